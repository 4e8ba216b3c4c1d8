using FinanceIngest.Detection;
using FinanceIngest.Learning;
using FinanceIngest.Sqlite;

namespace FinanceIngest.Storage.Sqlite;

/// <summary>
/// Remembers the states that this process used last, so that a batch reads one number for each user and not the states of all his categories. No two changes
/// of a user have the same version, so that a remembered state whose version the database has is the state that the database has, whoever wrote it, and
/// whether or not the transaction in which it was remembered was committed. It is used under the write lock, by one thread at a time.
/// </summary>
internal sealed class SqliteStateCache
{
    /// <summary>Users and categories that are remembered at most: some 20 MiB.</summary>
    public const int MostKeys = 50_000;

    private readonly Dictionary<long, User> _users = [];
    private int _keys;

    /// <summary>Loads states.</summary>
    public StateBook Load(SqliteSession session, IReadOnlyCollection<StateKey> keys)
    {
        StateKey[] inOrder = [.. keys];
        Array.Sort(inOrder, SqliteStates.InOrder);
        List<KnownUser> users = [];
        List<KnownKey> states = new(inOrder.Length);
        SqliteStatement versionOf = session.Prepare("SELECT version FROM detection_users WHERE user_id = ?1");
        SqliteStatement ofUser = session.Prepare(SqliteStates.UserSql);
        SqliteStatement ofKey = session.Prepare(SqliteStates.KeySql);
        User? remembered = null;
        long last = 0;
        foreach (StateKey key in inOrder)
        {
            if (key.UserId != last)
            {
                last = key.UserId;
                remembered = UserOf(key.UserId, versionOf, ofUser);
                if (remembered is not null)
                {
                    users.Add(remembered.State);
                }
            }

            if (remembered is not null && StateOf(remembered, key, ofKey) is { } state)
            {
                states.Add(state);
            }
        }

        return new StateBook(users, states);
    }

    /// <summary>Writes states that were loaded in the same transaction, and remembers them.</summary>
    public void Write(SqliteSession session, IReadOnlyList<UserChange> changes)
    {
        SqliteStates.Write(session, changes);
        foreach (UserChange change in changes)
        {
            if (_keys > MostKeys)
            {
                _users.Clear();
                _keys = 0;
            }

            if (!_users.TryGetValue(change.UserId, out User? user))
            {
                _users.Add(change.UserId, user = new User());
            }

            user.State = new KnownUser(change.UserId, change.Version, change.State, change.Carried);
            foreach (KeyChange key in change.Keys)
            {
                Remember(user, new KnownKey(new StateKey(change.UserId, key.Category), key.State, key.Carried));
            }
        }
    }

    // Null: the database has no state of the user.
    private User? UserOf(long userId, SqliteStatement versionOf, SqliteStatement ofUser)
    {
        if (_users.TryGetValue(userId, out User? user)
            && versionOf.FirstOrDefault(static row => (long?)row.GetInt64(0), userId) is { } version && version == user.State.Version)
        {
            return user;
        }

        if (user is not null)
        {
            _keys -= user.Keys.Count;
            _users.Remove(userId);
        }

        if (ofUser.FirstOrDefault(SqliteStates.ToUser, userId) is not { } stored)
        {
            return null;
        }

        _users.Add(userId, user = new User { State = stored });
        return user;
    }

    private KnownKey? StateOf(User user, StateKey key, SqliteStatement ofKey)
    {
        if (user.Keys.TryGetValue(key.Category, out KnownKey? known))
        {
            return known;
        }

        if (ofKey.FirstOrDefault(SqliteStates.ToKey, key.UserId, key.Category.CategoryId, key.Category.IsRefund ? 1 : 0) is { } stored)
        {
            Remember(user, stored);
            return stored;
        }

        return null;
    }

    private void Remember(User user, KnownKey state)
    {
        int before = user.Keys.Count;
        user.Keys[state.Key.Category] = state;
        _keys += user.Keys.Count - before;
    }

    private sealed class User
    {
        public KnownUser State { get; set; } = null!;

        public Dictionary<CategoryKey, KnownKey> Keys { get; } = [];
    }
}
