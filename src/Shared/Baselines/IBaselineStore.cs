using FinanceIngest.Ground;

namespace FinanceIngest.Baselines;

/// <summary>The table <c>anomaly_stats</c> as its owners change it.</summary>
public interface IBaselineStore
{
    /// <summary>
    /// Inserts or replaces baselines, all or none; of several for one key the last wins. They hold for every scoring that
    /// starts after the task has completed.
    /// </summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<UpsertCounts> UpsertAsync(IReadOnlyList<BaselineRow> rows, CancellationToken cancellationToken);

    /// <summary>All baselines, ordered by user and category.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    IAsyncEnumerable<BaselineRow> ReadAllAsync(CancellationToken cancellationToken);
}

/// <summary>Rows that were new, and rows that replaced others.</summary>
public readonly record struct UpsertCounts(int Inserted, int Updated);
