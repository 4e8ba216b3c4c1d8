using FinanceIngest.Ground;

namespace FinanceIngest.Results;

/// <summary>Results as readers see them.</summary>
internal interface IResultsStore
{
    /// <summary>The rows of these ids (at most 1,000), purged ones included; an id without a row is missing from the answer.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<IReadOnlyList<TransactionResult>> GetAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken);

    /// <summary>
    /// The feed after a cursor, in the order in which results were committed; null when the cursor is from another
    /// history of this database (it was restored since).
    /// </summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<FeedPage?> ReadFeedAsync(FeedCursor after, int limit, CancellationToken cancellationToken);

    /// <summary>Anomalies, newest first by the time they occurred.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<AnomalyPage> ReadAnomaliesAsync(AnomalyFilter filter, AnomalyCursor? after, int limit, CancellationToken cancellationToken);
}

/// <summary>
/// A place in the results feed. Every batch that is written takes the next position under a lock that it holds until it
/// has committed, so that positions become visible in their order and a late commit is never behind a reader.
/// </summary>
/// <param name="Position">Position of the batch, 0 at the start.</param>
/// <param name="BatchId">The batch's own id: after a restore another batch stands at the position.</param>
/// <param name="RowId">Last row of the batch that was read.</param>
internal readonly record struct FeedCursor(long Position, long BatchId, long RowId)
{
    /// <summary>Before everything.</summary>
    public static FeedCursor Start => default;
}

/// <summary>A page of the feed and the cursor behind it.</summary>
internal sealed record FeedPage(IReadOnlyList<TransactionResult> Results, FeedCursor Next);

/// <summary>Which anomalies; a null part does not restrict.</summary>
/// <param name="UserId">Of this user.</param>
/// <param name="CategoryId">In this category.</param>
/// <param name="From">Occurred at or after this instant.</param>
/// <param name="To">Occurred before this instant.</param>
internal sealed record AnomalyFilter(long? UserId = null, long? CategoryId = null, DateTime? From = null, DateTime? To = null);

/// <summary>A place in the anomaly history.</summary>
internal readonly record struct AnomalyCursor(DateTime OccurredAt, long RowId);

/// <summary>A page of anomalies and the cursor behind it, null at the end.</summary>
internal sealed record AnomalyPage(IReadOnlyList<TransactionResult> Anomalies, AnomalyCursor? Next);
