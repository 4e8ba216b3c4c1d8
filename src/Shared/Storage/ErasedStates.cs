using FinanceIngest.Learning;

namespace FinanceIngest.Storage;

/// <summary>Ends what is known of an erased user once the rows are gone.</summary>
internal static class ErasedStates
{
    /// <summary>
    /// Deletes a user's states, the carried sums included. Where rows came meanwhile, of transactions that were accepted after the erasure, the states are made
    /// of these alone.
    /// </summary>
    /// <returns>How many states were deleted.</returns>
    public static async Task<long> ForgetAsync(ILearningStore store, long userId, CancellationToken cancellationToken)
    {
        while (true)
        {
            if ((await store.ReadUsersAsync(userId - 1, 1, cancellationToken)).SingleOrDefault()?.UserId != userId
                || await store.ReadUserAsync(userId, cancellationToken) is not { User.Version: { } version } user)
            {
                return 0;
            }

            if (user.Rows.Count == 0)
            {
                if (await store.TryForgetAsync(userId, version, cancellationToken))
                {
                    return 1 + user.Keys.Count;
                }

                continue;
            }

            KnownUser withoutCarried = user.User with { Carried = null };
            var sum = new StateSum(withoutCarried, []);
            foreach (ContributingRow row in user.Rows)
            {
                sum.Add(row);
            }

            if (await store.TryReplaceAsync(sum.ToChange(withoutCarried), cancellationToken))
            {
                return 1 + user.Keys.Count;
            }
        }
    }
}
