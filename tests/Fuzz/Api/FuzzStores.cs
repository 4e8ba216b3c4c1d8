using FinanceIngest.Baselines;
using FinanceIngest.Results;
using FinanceIngest.Transactions;

namespace FinanceIngest.Fuzz.Api;

/// <summary>Makes results from the requested ids: a quarter of the ids has no result, and the others get each status in turn.</summary>
internal sealed class FuzzResultsStore : IResultsStore
{
    /// <inheritdoc/>
    public Task<IReadOnlyList<TransactionResult>> GetAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<TransactionResult>>([.. ids.Select(ResultOf).OfType<TransactionResult>()]);

    /// <inheritdoc/>
    public Task<FeedPage?> ReadFeedAsync(FeedCursor after, int limit, CancellationToken cancellationToken)
    {
        Engine.Property.Holds(limit is >= 1 and <= 1000 && after.Position >= 0, "a feed is read within its limits", $"{limit} after {after}");
        return Task.FromResult(after.BatchId < 0 ? null : new FeedPage([Scored(new Guid(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11))], after with { RowId = 7 }));
    }

    /// <inheritdoc/>
    public Task<AnomalyPage> ReadAnomaliesAsync(AnomalyFilter filter, AnomalyCursor? after, int limit, CancellationToken cancellationToken)
    {
        Engine.Property.Holds(
            limit is >= 1 and <= 1000 && !(filter.UserId < 1) && !(filter.CategoryId < 1), "anomalies are read within their limits", $"{limit}, {filter}");
        Engine.Property.Holds(
            filter.From is null or { Kind: DateTimeKind.Utc } && filter.To is null or { Kind: DateTimeKind.Utc }, "times are UTC", $"{filter}");
        return Task.FromResult(new AnomalyPage([], after is { } place ? place : new AnomalyCursor(DateTime.UnixEpoch, 5)));
    }

    private static TransactionResult? ResultOf(Guid id) => (id.GetHashCode() & 3) switch
    {
        0 => null,
        1 => Scored(id),
        2 => new TransactionResult { Id = id, Status = TransactionStatus.Failed, Error = "amount is required" },
        _ => new TransactionResult { Id = id, Status = TransactionStatus.Purged },
    };

    private static TransactionResult Scored(Guid id) => new()
    {
        Id = id,
        Status = TransactionStatus.Scored,
        UserId = 399,
        CategoryId = 2310,
        Amount = new Money(60_000_000),
        ZScore = 8,
        IsAnomaly = true,
        Reason = ScoreReason.Scored,
        Baseline = new Baseline(2000, 500, 40),
        OccurredAt = DateTime.UnixEpoch,
        AcceptedAt = DateTime.UnixEpoch,
        ScoredAt = DateTime.UnixEpoch,
    };
}

/// <summary>Accepts every baseline and keeps those of the last call.</summary>
internal sealed class FuzzBaselineStore : IBaselineStore
{
    /// <summary>The baselines of the last call.</summary>
    public IReadOnlyList<BaselineRow> Last { get; private set; } = [];

    /// <inheritdoc/>
    public Task<UpsertCounts> UpsertAsync(IReadOnlyList<BaselineRow> rows, CancellationToken cancellationToken)
    {
        Last = rows;
        return Task.FromResult(new UpsertCounts(rows.Count, 0));
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<BaselineRow>> ReadPageAsync(
        long? userId, long? categoryId, BaselineKey? after, int limit, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<BaselineRow>>([new BaselineRow(new BaselineKey(userId ?? 399, categoryId ?? 2310), new Baseline(2000, 500, 40))]);

    /// <inheritdoc/>
    public Task<int> RemoveAsync(long userId, long? categoryId, CancellationToken cancellationToken) => Task.FromResult(1);

    /// <inheritdoc/>
    public IAsyncEnumerable<BaselineRow> ReadAllAsync(CancellationToken cancellationToken) => AsyncEnumerable.Empty<BaselineRow>();
}
