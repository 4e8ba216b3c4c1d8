using FinanceIngest.Alerts;
using FinanceIngest.Baselines;
using FinanceIngest.Poison;
using FinanceIngest.Results;
using FinanceIngest.Scoring;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Storage;

/// <summary>Makes rows for the stores to write.</summary>
internal static class Sample
{
    public static readonly DateTime Noon = new(2026, 1, 2, 12, 0, 0, DateTimeKind.Utc);

    public const string TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    public static TransactionResult Scored(Guid? id = null) => new()
    {
        Id = id ?? Guid.NewGuid(),
        Status = TransactionStatus.Scored,
        UserId = 399,
        CategoryId = 2310,
        Amount = new Money(25_000_000),
        ZScore = 1.0,
        Reason = ScoreReason.Scored,
        Baseline = new Baseline(2000, 500, 40),
        OccurredAt = Noon,
        AcceptedAt = Noon.AddSeconds(1),
        ScoredAt = Noon.AddSeconds(2),
    };

    public static TransactionResult Anomaly(Guid? id = null) =>
        Scored(id) with { Amount = new Money(60_000_000), ZScore = 8.0, IsAnomaly = true, Alert = AlertState.Queued };

    public static TransactionResult Failed(Guid? id = null) => new()
    {
        Id = id ?? Guid.NewGuid(),
        Status = TransactionStatus.Failed,
        Error = "{\"type\":\"about:blank\"}",
        ScoredAt = Noon.AddSeconds(2),
    };

    /// <summary>Makes a batch with an alert for each anomaly, as the scorer does.</summary>
    public static ScoredBatch Batch(params TransactionResult[] results) =>
        new(results, [.. results.Where(result => result.IsAnomaly).Select(Alert)], []);

    public static NewAlert Alert(TransactionResult anomaly) =>
        new(AlertId(anomaly.Id), anomaly.Id, $"{{\"transaction_id\":\"{anomaly.Id}\"}}", TraceParent, anomaly.ScoredAt!.Value);

    /// <summary>Derives the alert's id from the transaction's, so that both stay paired however often the alert is made.</summary>
    public static Guid AlertId(Guid transactionId)
    {
        byte[] bytes = transactionId.ToByteArray();
        Array.Reverse(bytes);
        return new Guid(bytes);
    }

    public static PoisonMessage Poison(string messageId) => new(
        messageId, "not JSON", "System.FormatException: ключ 💸", 5, TraceParent, "{\"amount\": tru\r\n",
        Noon, Noon.AddTicks(10));
}
