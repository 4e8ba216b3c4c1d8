using FinanceIngest.Ground;

namespace FinanceIngest.Baselines;

/// <summary>Writes and reads the baselines in the table <c>anomaly_stats</c>.</summary>
public interface IBaselineStore
{
    /// <summary>
    /// Inserts or replaces baselines, all or none; of several baselines for one key the last one wins. They apply to every scoring that starts after the task
    /// has completed.
    /// </summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<UpsertCounts> UpsertAsync(IReadOnlyList<BaselineRow> rows, CancellationToken cancellationToken);

    /// <summary>All baselines, ordered by user and category.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    IAsyncEnumerable<BaselineRow> ReadAllAsync(CancellationToken cancellationToken);
}

/// <summary>How many rows of an upsert were new, and how many replaced others.</summary>
public readonly record struct UpsertCounts(int Inserted, int Updated);
