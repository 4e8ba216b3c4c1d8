using FinanceIngest.Ground;
using FinanceIngest.Poison;
using FinanceIngest.Transactions;

namespace FinanceIngest.Retention;

/// <summary>Applies the retention: what is older than so many days goes, but for tombstones.</summary>
public sealed class RetentionPurge(IRetentionStore store, PoisonOperations poison, TimeProvider time)
{
    /// <summary>Removes rows scored, and poison messages given up, more than <paramref name="days"/> (≥ 1) days ago. Safe to repeat, and beside workers.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached, or its user may not delete rows; a repeat does the rest.</exception>
    /// <exception cref="QueueUnavailableException">The poison queue can't be reached; a repeat does the rest.</exception>
    public async Task<PurgeOutcome> PurgeAsync(int days, CancellationToken cancellationToken)
    {
        DateTime before = time.UtcNowMicroseconds().AddDays(-days);
        RemovedRows rows = await store.PurgeAsync(before, cancellationToken);
        return new PurgeOutcome(before, rows, await poison.DropOlderAsync(before, cancellationToken));
    }
}

/// <summary>What a purge removed.</summary>
/// <param name="Before">Everything older than this.</param>
/// <param name="Rows">Rows.</param>
/// <param name="Poison">Poison messages.</param>
public sealed record PurgeOutcome(DateTime Before, RemovedRows Rows, PoisonOutcome Poison);
