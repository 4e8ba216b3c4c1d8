using FinanceIngest.Ground;
using FinanceIngest.Poison;
using FinanceIngest.Transactions;

namespace FinanceIngest.Retention;

/// <summary>Applies the retention: rows and poison messages older than a number of days are deleted; tombstones stay.</summary>
public sealed class RetentionPurge(IRetentionStore store, PoisonOperations poison, TimeProvider time)
{
    /// <summary>
    /// Deletes rows that were written, and poison messages that were given up, more than <paramref name="days"/> days ago. The call may be repeated, and may
    /// run
    /// beside workers.
    /// </summary>
    /// <param name="days">≥ 1.</param>
    /// <param name="cancellationToken">Stops between two database transactions or messages.</param>
    /// <exception cref="StoreUnavailableException">
    /// The database can't be reached, or the process may not delete rows. Repeating the call deletes the rest.
    /// </exception>
    /// <exception cref="QueueUnavailableException">The poison queue can't be reached. Repeating the call deletes the rest.</exception>
    public async Task<PurgeOutcome> PurgeAsync(int days, CancellationToken cancellationToken)
    {
        DateTime before = time.UtcNowMicroseconds().AddDays(-days);
        RemovedRows rows = await store.PurgeAsync(before, cancellationToken);
        if (rows.OthersAreAtIt)
        {
            // The other process also removes the poison messages.
            return new PurgeOutcome(before, rows, new PoisonOutcome());
        }

        PoisonOutcome messages = await poison.DropOlderAsync(before, cancellationToken);

        // Where a program is in the way, the log is cut by the next purge, or when the last program ends.
        await store.ForgetDeletedAsync(cancellationToken);
        return new PurgeOutcome(before, rows, messages);
    }
}

/// <summary>The result of a purge.</summary>
/// <param name="Before">Rows and messages older than this instant (UTC) were deleted.</param>
/// <param name="Rows">The numbers of deleted rows.</param>
/// <param name="Poison">The deleted poison messages.</param>
public sealed record PurgeOutcome(DateTime Before, RemovedRows Rows, PoisonOutcome Poison);
