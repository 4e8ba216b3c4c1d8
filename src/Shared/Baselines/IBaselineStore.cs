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

    /// <summary>A page of baselines, ordered by user and category.</summary>
    /// <param name="userId">Only this user's; null: everybody's.</param>
    /// <param name="categoryId">Only those of this category; null: of all.</param>
    /// <param name="after">The key behind which the page begins; null: at the beginning.</param>
    /// <param name="limit">The most baselines of the page, from 1.</param>
    /// <param name="cancellationToken">Cancels the reading.</param>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<IReadOnlyList<BaselineRow>> ReadPageAsync(
        long? userId, long? categoryId, BaselineKey? after, int limit, CancellationToken cancellationToken);

    /// <summary>Removes a user's baselines, or the one of a category. Nothing is a valid answer: 0. They apply to no scoring that starts afterwards.</summary>
    /// <returns>How many were removed.</returns>
    /// <exception cref="StoreUnavailableException">The database can't be reached, or the process may not remove baselines.</exception>
    Task<int> RemoveAsync(long userId, long? categoryId, CancellationToken cancellationToken);

    /// <summary>All baselines, ordered by user and category.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    IAsyncEnumerable<BaselineRow> ReadAllAsync(CancellationToken cancellationToken);
}

/// <summary>How many rows of an upsert were new, and how many replaced others.</summary>
public readonly record struct UpsertCounts(int Inserted, int Updated);
