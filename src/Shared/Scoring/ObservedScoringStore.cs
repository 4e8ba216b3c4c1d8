using System.Diagnostics;
using FinanceIngest.Baselines;
using FinanceIngest.Observability;
using FinanceIngest.Results;

namespace FinanceIngest.Scoring;

/// <summary>A store that makes a span of each round trip to the database and measures its duration, on either engine.</summary>
internal sealed class ObservedScoringStore(IScoringStore store, Telemetry telemetry) : IScoringStore
{
    /// <inheritdoc/>
    public Task<LoadedBaselines> LoadBaselinesAsync(IReadOnlyCollection<BaselineKey> keys, CancellationToken cancellationToken) =>
        ObserveAsync("SELECT", "anomaly_stats", keys.Count, () => store.LoadBaselinesAsync(keys, cancellationToken));

    /// <inheritdoc/>
    public Task<WriteCounts> WriteAsync(ScoredBatch batch, CancellationToken cancellationToken) =>
        ObserveAsync("INSERT", "anomaly_transactions", batch.Results.Count, () => store.WriteAsync(batch, cancellationToken));

    /// <inheritdoc/>
    public Task<LearnedRows> LearnAsync(LearningWork work, CancellationToken cancellationToken) =>
        ObserveAsync("INSERT", "anomaly_transactions", work.Wanted.Ids.Count, () => store.LearnAsync(work, cancellationToken));

    private async Task<T> ObserveAsync<T>(string operation, string table, int rows, Func<Task<T>> work)
    {
        long startedAt = telemetry.Now;
        using Activity? span = telemetry.StartQuery(operation, table, rows);
        try
        {
            T result = await work();
            telemetry.Queried(operation, table, startedAt, null);
            return result;
        }
        catch (Exception e)
        {
            Telemetry.Fail(span, e);
            telemetry.Queried(operation, table, startedAt, e);
            throw;
        }
    }
}
