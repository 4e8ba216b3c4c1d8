using FinanceIngest.Detection;

namespace FinanceIngest.Results;

/// <summary>A store whose results can say in a sentence what a detector said of them.</summary>
/// <param name="store">The store of the database.</param>
/// <param name="wording">The words.</param>
internal sealed class WordedResultsStore(IResultsStore store, Wording wording) : IResultsStore
{
    /// <inheritdoc/>
    public async Task<IReadOnlyList<TransactionResult>> GetAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken) =>
        Worded(await store.GetAsync(ids, cancellationToken));

    /// <inheritdoc/>
    public async Task<FeedPage?> ReadFeedAsync(FeedCursor after, int limit, CancellationToken cancellationToken) =>
        await store.ReadFeedAsync(after, limit, cancellationToken) is { } page ? page with { Results = Worded(page.Results) } : null;

    /// <inheritdoc/>
    public async Task<AnomalyPage> ReadAnomaliesAsync(AnomalyFilter filter, AnomalyCursor? after, int limit, CancellationToken cancellationToken)
    {
        AnomalyPage page = await store.ReadAnomaliesAsync(filter, after, limit, cancellationToken);
        return page with { Anomalies = Worded(page.Anomalies) };
    }

    private IReadOnlyList<TransactionResult> Worded(IReadOnlyList<TransactionResult> results) =>
        results.Any(static result => result.Detected is not null)
            ? [.. results.Select(result => result.Detected is { } detected ? result with { Detected = detected with { Wording = wording } } : result)]
            : results;
}
