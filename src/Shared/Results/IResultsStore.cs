using FinanceIngest.Ground;
using FinanceIngest.Transactions;

namespace FinanceIngest.Results;

/// <summary>Reads results for the HTTP API.</summary>
internal interface IResultsStore
{
    /// <summary>The rows of at most 1,000 ids, in any order. Tombstones of purged rows are included; an id without a row is missing.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<IReadOnlyList<TransactionResult>> GetAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken);

    /// <summary>
    /// At most <paramref name="limit"/> results after a cursor, in the order in which they were committed; null when the database was restored since and the
    /// cursor belongs to its earlier history.
    /// </summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<FeedPage?> ReadFeedAsync(FeedCursor after, int limit, CancellationToken cancellationToken);

    /// <summary>At most <paramref name="limit"/> anomalies, sorted by the time at which they occurred, the newest first.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<AnomalyPage> ReadAnomaliesAsync(AnomalyFilter filter, AnomalyCursor? after, int limit, CancellationToken cancellationToken);
}

/// <summary>
/// A place in the results feed. Every batch takes the next position under a lock that its writer holds until the commit, so positions become visible in their
/// order, and no commit adds a row before a place that a reader has passed.
/// </summary>
/// <param name="Position">The batch's position; 0 is the start of the feed.</param>
/// <param name="BatchId">The batch's own id, which differs from that of the batch that has the same position after a restore.</param>
/// <param name="RowId">The last row of the batch that was read.</param>
internal readonly record struct FeedCursor(long Position, long BatchId, long RowId)
{
    /// <summary>The place before the first result.</summary>
    public static FeedCursor Start => default;
}

/// <summary>A page of the feed, and the cursor after its last result.</summary>
internal sealed record FeedPage(IReadOnlyList<TransactionResult> Results, FeedCursor Next);

/// <summary>Selects anomalies; a part that is null selects all.</summary>
/// <param name="UserId">The anomalies of this user.</param>
/// <param name="CategoryId">The anomalies in this category.</param>
/// <param name="From">The anomalies that occurred at or after this instant.</param>
/// <param name="To">The anomalies that occurred before this instant.</param>
/// <param name="MinAmount">The anomalies whose amount without its sign is at least this one; ≥ 0.</param>
/// <param name="Detector">The anomalies of this detector.</param>
/// <param name="Verdict">The anomalies of which this was said.</param>
internal sealed record AnomalyFilter(
    long? UserId = null, long? CategoryId = null, DateTime? From = null, DateTime? To = null, Money? MinAmount = null, DetectorFilter? Detector = null,
    VerdictFilter? Verdict = null);

/// <summary>A place in the anomaly history: the anomaly that was read last.</summary>
internal readonly record struct AnomalyCursor(DateTime OccurredAt, long RowId);

/// <summary>A page of anomalies, and the cursor after its last one; null at the end of the history.</summary>
internal sealed record AnomalyPage(IReadOnlyList<TransactionResult> Anomalies, AnomalyCursor? Next);
