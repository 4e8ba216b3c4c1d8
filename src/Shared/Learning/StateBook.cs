using FinanceIngest.Detection;

namespace FinanceIngest.Learning;

/// <summary>
/// The states that a batch needs, as they were loaded and as its rows change them. A user's version guards all of the user's states and the contributions of
/// all of the user's rows, so that whoever changes one of them finds out whether anybody else did meanwhile.
/// </summary>
internal sealed class StateBook
{
    private readonly Dictionary<long, UserEntry> _users;
    private readonly Dictionary<StateKey, KeyEntry> _keys;

    /// <param name="users">Users that have a state.</param>
    /// <param name="keys">Users and categories that have one.</param>
    public StateBook(IReadOnlyCollection<KnownUser> users, IReadOnlyCollection<KnownKey> keys)
    {
        _users = new Dictionary<long, UserEntry>(users.Count);
        foreach (KnownUser user in users)
        {
            _users.Add(user.UserId, new UserEntry { Version = user.Version, State = user.State, Carried = user.Carried });
        }

        _keys = new Dictionary<StateKey, KeyEntry>(keys.Count);
        foreach (KnownKey key in keys)
        {
            _keys.Add(key.Key, new KeyEntry { State = key.State, Carried = key.Carried });
        }
    }

    /// <summary>A book without states.</summary>
    public static StateBook Empty => new([], []);

    /// <summary>What is known of a user.</summary>
    public UserState UserOf(long userId) => _users.TryGetValue(userId, out UserEntry? entry) ? entry.State : default;

    /// <summary>What is known of a user and category.</summary>
    public KeyState KeyOf(StateKey key) => _keys.TryGetValue(key, out KeyEntry? entry) ? entry.State : default;

    /// <summary>The part of what is known of a user and category whose rows retention removed.</summary>
    public KeyState CarriedOf(StateKey key) => _keys.TryGetValue(key, out KeyEntry? entry) ? entry.Carried ?? default : default;

    /// <summary>Adds what a row contributes.</summary>
    public void Apply(StateKey key, in Contribution row, DateTime occurredAt)
    {
        (UserEntry user, KeyEntry state) = Changing(key);
        state.State.Apply(row, occurredAt);
        user.State.Apply(row, occurredAt);
    }

    /// <summary>Takes out what a row contributes. False: the key's state is then too imprecise, and has to be summed anew from its rows.</summary>
    public bool Remove(StateKey key, in Contribution row, DateTime occurredAt)
    {
        (UserEntry user, KeyEntry state) = Changing(key);
        state.State.Remove(row, occurredAt);
        user.State.Remove(row, occurredAt);
        return state.State.IsPrecise;
    }

    /// <summary>Moves what a row contributes into the carried sums, since its row goes by retention; its remembered amount ends.</summary>
    public void Carry(StateKey key, in Contribution row, DateTime occurredAt)
    {
        (UserEntry user, KeyEntry state) = Changing(key);
        state.State.Forget(row, occurredAt);
        KeyState carried = state.Carried ?? default;
        carried.Apply(row with { Slot = 0 }, occurredAt);
        state.Carried = carried;
        UserState ofUser = user.Carried ?? default;
        ofUser.Apply(row, occurredAt);
        user.Carried = ofUser;
    }

    /// <summary>
    /// Makes room for states that rows are about to change. After it, the states of different users may be changed by different threads at once.
    /// </summary>
    public void Prepare(IEnumerable<StateKey> keys)
    {
        foreach (StateKey key in keys)
        {
            UserEntryOf(key.UserId);
            if (!_keys.ContainsKey(key))
            {
                _keys.Add(key, new KeyEntry { IsNew = true });
            }
        }
    }

    /// <summary>Marks a user as changed although no state of the user is: the contribution of a row is, or the row's verdict.</summary>
    public void Touch(long userId) => UserEntryOf(userId).IsChanged = true;

    /// <summary>Puts a state in the place of what is known of a user and category.</summary>
    public void Replace(StateKey key, in KeyState state) => Changing(key).Key.State = state;

    /// <summary>Returns the states that changed, in the order in which every writer takes their locks: users, and within a user categories.</summary>
    public IReadOnlyList<UserChange> Changes()
    {
        ILookup<long, KeyValuePair<StateKey, KeyEntry>> keys = _keys.Where(static pair => pair.Value.IsChanged).ToLookup(static pair => pair.Key.UserId);
        return
        [
            .. _users.Where(static pair => pair.Value.IsChanged).OrderBy(static pair => pair.Key).Select(pair => new UserChange(
                pair.Key, pair.Value.Version, NextVersion(), pair.Value.State, pair.Value.Carried,
                [
                    .. keys[pair.Key].OrderBy(static key => (key.Key.Category.CategoryId, key.Key.Category.IsRefund)).Select(static key =>
                        new KeyChange(key.Key.Category, key.Value.State, key.Value.Carried, key.Value.IsNew)),
                ])),
        ];
    }

    /// <summary>
    /// Returns a number that no other change has: by it a writer tells its own change from those of others, and an erased user who is seen again is not taken
    /// for the one that he was.
    /// </summary>
    internal static long NextVersion() => Random.Shared.NextInt64(1, long.MaxValue);

    private (UserEntry User, KeyEntry Key) Changing(StateKey key)
    {
        UserEntry user = UserEntryOf(key.UserId);
        if (!_keys.TryGetValue(key, out KeyEntry? entry))
        {
            _keys.Add(key, entry = new KeyEntry { IsNew = true });
        }

        user.IsChanged = entry.IsChanged = true;
        return (user, entry);
    }

    private UserEntry UserEntryOf(long userId)
    {
        if (!_users.TryGetValue(userId, out UserEntry? user))
        {
            _users.Add(userId, user = new UserEntry());
        }

        return user;
    }

    private sealed class UserEntry
    {
        public UserState State;

        public UserState? Carried { get; set; }

        public long? Version { get; init; }

        public bool IsChanged { get; set; }
    }

    private sealed class KeyEntry
    {
        public KeyState State;

        public KeyState? Carried { get; set; }

        public bool IsNew { get; init; }

        public bool IsChanged { get; set; }
    }
}
