using FinanceIngest.Ground;

namespace FinanceIngest.Learning;

/// <summary>Compares the learned states with the rows that they are made of, and makes them anew from these. It may run beside workers.</summary>
/// <param name="store">The states and rows.</param>
internal sealed class StateAudit(ILearningStore store)
{
    /// <summary>Users whose states are held in memory at once; the rows are read once for each so many.</summary>
    public const int UsersAtOnce = 200_000;

    private const int PageSize = 10_000;
    private const int MostTries = 100;

    /// <summary>Compares all users.</summary>
    /// <param name="found">Is told of each user whose states differ, with a line for each difference.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    public async Task<AuditCounts> VerifyAsync(Action<long, IReadOnlyList<string>> found, CancellationToken cancellationToken)
    {
        AuditCounts counts = default;
        await foreach (Pass pass in ReadAsync(cancellationToken))
        {
            counts = counts with { Users = counts.Users + pass.Users.Count, Rows = counts.Rows + pass.Rows };

            // Rows and states were read one after the other while workers wrote: only what still differs as of one moment does differ.
            foreach (long userId in pass.Suspects())
            {
                if (await store.ReadUserAsync(userId, cancellationToken) is not { } user)
                {
                    continue;
                }

                IReadOnlyList<string> differences = SumOf(user).Differences(user.User, user.Keys);
                if (differences.Count > 0)
                {
                    found(userId, differences);
                    counts = counts with { Different = counts.Different + 1 };
                }
            }
        }

        return counts;
    }

    /// <summary>Makes the states of all users anew where they differ from their rows.</summary>
    /// <returns>The counts; <see cref="AuditCounts.Different"/> are the users whose states were made anew.</returns>
    /// <exception cref="StoreUnavailableException">The database can't be reached; a repeat does the rest.</exception>
    public async Task<AuditCounts> RebuildAsync(Action<long, IReadOnlyList<string>> found, CancellationToken cancellationToken)
    {
        List<long> users = [];
        AuditCounts counts = await VerifyAsync(
            (userId, differences) =>
            {
                users.Add(userId);
                found(userId, differences);
            },
            cancellationToken);
        foreach (long userId in users)
        {
            await RebuildAsync(userId, cancellationToken);
        }

        return counts;
    }

    /// <summary>Makes the states of one user anew.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    public async Task RebuildAsync(long userId, CancellationToken cancellationToken)
    {
        for (int attempt = 0; attempt < MostTries; attempt++)
        {
            if (await store.ReadUserAsync(userId, cancellationToken) is not { } user
                || await store.TryReplaceAsync(SumOf(user).ToChange(user.User), cancellationToken))
            {
                return;
            }
        }

        throw new StoreUnavailableException(new InvalidOperationException($"user {userId} was changed again and again by others."));
    }

    private static StateSum SumOf(LearnedUser user)
    {
        var sum = new StateSum(user.User, user.Keys);
        foreach (ContributingRow row in user.Rows)
        {
            sum.Add(row);
        }

        return sum;
    }

    private async IAsyncEnumerable<Pass> ReadAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        long after = 0;
        bool isLast = false;
        while (!isLast)
        {
            var pass = new Pass(after);
            while (pass.Users.Count < UsersAtOnce && !isLast)
            {
                IReadOnlyList<KnownUser> page = await store.ReadUsersAsync(after, PageSize, cancellationToken);
                pass.Add(page);
                isLast = page.Count < PageSize;
                after = page.Count > 0 ? page[^1].UserId : after;
            }

            pass.Last = isLast ? long.MaxValue : after;
            StateKey? last = new StateKey(pass.After, new Detection.CategoryKey(long.MaxValue, true));
            for (IReadOnlyList<KnownKey> page = await store.ReadStatesAsync(last, PageSize, cancellationToken); page.Count > 0;
                page = await store.ReadStatesAsync(last, PageSize, cancellationToken))
            {
                last = page[^1].Key;
                if (!pass.Add(page))
                {
                    break;
                }
            }

            for (long at = long.MaxValue; ;)
            {
                IReadOnlyList<ContributingRow> page = await store.ReadRowsAsync(at, PageSize, cancellationToken);
                pass.Add(page);
                if (page.Count < PageSize)
                {
                    break;
                }

                at = page[^1].RowId;
            }

            yield return pass;
        }
    }

    /// <summary>The states and rows of a range of users.</summary>
    private sealed class Pass(long after)
    {
        private readonly Dictionary<long, StateSum> _sums = [];
        private readonly Dictionary<long, List<KnownKey>> _keys = [];

        public long After => after;

        public long Last { get; set; } = long.MaxValue;

        public Dictionary<long, KnownUser> Users { get; } = [];

        public long Rows { get; private set; }

        public void Add(IReadOnlyList<KnownUser> users)
        {
            foreach (KnownUser user in users)
            {
                Users[user.UserId] = user;
            }
        }

        // False: the rest is of later users.
        public bool Add(IReadOnlyList<KnownKey> keys)
        {
            foreach (KnownKey key in keys)
            {
                if (key.Key.UserId > Last)
                {
                    return false;
                }

                if (!_keys.TryGetValue(key.Key.UserId, out List<KnownKey>? ofUser))
                {
                    _keys.Add(key.Key.UserId, ofUser = []);
                }

                ofUser.Add(key);
            }

            return true;
        }

        public void Add(IReadOnlyList<ContributingRow> rows)
        {
            foreach (ContributingRow row in rows)
            {
                if (row.Key.UserId > after && row.Key.UserId <= Last)
                {
                    Rows++;
                    SumOf(row.Key.UserId).Add(row);
                }
            }
        }

        public IEnumerable<long> Suspects() => Users.Keys.Union(_keys.Keys).Union(_sums.Keys).Order()
            .Where(userId => SumOf(userId).Differences(UserOf(userId), _keys.GetValueOrDefault(userId, [])).Count > 0);

        private KnownUser UserOf(long userId) => Users.GetValueOrDefault(userId) ?? new KnownUser(userId, null, default);

        private StateSum SumOf(long userId)
        {
            if (!_sums.TryGetValue(userId, out StateSum? sum))
            {
                _sums.Add(userId, sum = new StateSum(UserOf(userId), _keys.GetValueOrDefault(userId, [])));
            }

            return sum;
        }
    }
}

/// <summary>What an audit went through.</summary>
/// <param name="Users">Users with states.</param>
/// <param name="Rows">Rows that contribute.</param>
/// <param name="Different">Users whose states differed from their rows.</param>
internal readonly record struct AuditCounts(long Users, long Rows, long Different);
