using FinanceIngest.Detection;

namespace FinanceIngest.Results;

/// <summary>A history whose results can say in a sentence what a detector said of them.</summary>
/// <param name="store">The store of the database.</param>
/// <param name="wording">The words.</param>
internal sealed class WordedHistoryStore(IHistoryStore store, Wording wording) : IHistoryStore
{
    /// <inheritdoc/>
    public async Task<HistoryPage> ReadHistoryAsync(HistoryFilter filter, AnomalyCursor? after, int limit, CancellationToken cancellationToken)
    {
        HistoryPage page = await store.ReadHistoryAsync(filter, after, limit, cancellationToken);
        return page with { Results = [.. page.Results.Select(result => result.In(wording))] };
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<SpendingRow>> ReadSpendingAsync(long userId, DateTime from, CancellationToken cancellationToken) =>
        store.ReadSpendingAsync(userId, from, cancellationToken);

    /// <inheritdoc/>
    public Task<FeedCursor> ReadFeedEndAsync(CancellationToken cancellationToken) => store.ReadFeedEndAsync(cancellationToken);

    /// <inheritdoc/>
    public async Task<FeedAnomalies?> ReadFeedAnomaliesAsync(FeedCursor after, int reach, CancellationToken cancellationToken) =>
        await store.ReadFeedAnomaliesAsync(after, reach, cancellationToken) is { } found
            ? found with { Anomalies = [.. found.Anomalies.Select(anomaly => (anomaly.Result.In(wording), anomaly.Cursor))] }
            : null;
}
