using FinanceIngest.Baselines;
using FinanceIngest.Composition;
using FinanceIngest.Configuration;
using FinanceIngest.Results;
using FinanceIngest.Scoring;
using FinanceIngest.Transactions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Page;

/// <summary>A user with 100,000 anomalies, a minute apart: rows that a worker's store writes, before a server has the installation.</summary>
internal static class ManyAnomalies
{
    public const long User = 777_000;
    public const int Count = 100_000;
    private const int BatchSize = 10_000;

    public static async Task WriteAsync(string dataDirectory, CancellationToken cancellationToken)
    {
        var settings = new Settings { DataDirectory = dataDirectory, Roles = Roles.None };
        await using ServiceProvider services = new ServiceCollection().AddLogging(logging =>
            logging.ClearProviders()).AddFinanceIngest(settings).BuildServiceProvider();
        IdCertifier ids = services.GetRequiredService<IdCertifier>();
        IScoringStore store = services.GetRequiredService<IScoringStore>();
        DateTime now = Timestamp.Truncate(DateTime.UtcNow);
        for (int from = Count; from > 0; from -= BatchSize)
        {
            TransactionResult[] rows = [.. Enumerable.Range(0, BatchSize).Select(i => Row(ids.NewId(), now.AddMinutes(i - from), 100 + ((from - i) % 700)))];
            await store.WriteAsync(new ScoredBatch(rows, [], []), cancellationToken);
        }
    }

    // As the detector zscore judges it by the baseline 20 ± 2.
    private static TransactionResult Row(Guid id, DateTime at, int amount) => new()
    {
        Id = id,
        Status = TransactionStatus.Scored,
        UserId = User,
        CategoryId = 1,
        Amount = new Money(amount * Money.Scale),
        ZScore = (amount - 20) / 2.0,
        IsAnomaly = true,
        Reason = ScoreReason.Scored,
        Baseline = new Baseline(20, 2, 50),
        OccurredAt = at,
        AcceptedAt = at,
        ScoredAt = at,
    };
}
