using FinanceIngest.Baselines;
using FinanceIngest.Commands;
using FinanceIngest.Results;
using FinanceIngest.Sqlite;
using FinanceIngest.Transactions;

namespace FinanceIngest.Storage.Sqlite;

/// <summary>Reads a <see cref="TransactionResult"/> from a row of <c>anomaly_transactions</c>.</summary>
internal static class SqliteRows
{
    /// <summary>The columns that <see cref="ToResult"/> reads, of the table under the alias <c>t</c>.</summary>
    public const string ResultColumns =
        "t.id, t.transaction_id, t.user_id, t.category_id, t.amount, t.z_score, t.is_anomaly, t.status, t.reason, "
        + "t.mean, t.std_dev, t.sample_count, t.occurred_at, t.accepted_at, t.created_at, t.error, t.detector, t.judgement, "
        + "t.shadow, t.verdict, t.suppressed_by, t.has_alert, "
        + "(t.is_anomaly = 1 OR t.has_alert = 1) AND EXISTS (SELECT 1 FROM alert_outbox o WHERE o.transaction_id = t.transaction_id AND o.sent_at IS NULL)";

    /// <summary>The result; the row's id, column 0, is left to the caller.</summary>
    public static TransactionResult ToResult(SqliteRow row) => new()
    {
        Id = row.GetGuid(1),
        UserId = row.GetInt64OrNull(2),
        CategoryId = row.GetInt64OrNull(3),
        Amount = row.GetInt64OrNull(4) is { } units ? new Money(units) : null,
        ZScore = row.GetDoubleOrNull(5),
        IsAnomaly = row.GetInt64(6) == 1,
        Status = Names.ToStatus(row.GetString(7)),
        Reason = row.GetStringOrNull(8) is { } reason ? Names.ToReason(reason) : null,
        Baseline = row.IsNull(9) ? null : new Baseline(row.GetDouble(9), row.GetDouble(10), row.GetInt64(11)),
        OccurredAt = row.GetTimeOrNull(12),
        AcceptedAt = row.GetTimeOrNull(13),
        ScoredAt = row.GetTimeOrNull(14),
        Error = row.GetStringOrNull(15),
        Detected = row.GetStringOrNull(16) is { } detector ? Detected.Read(detector, row.GetBlobOrNull(17)) : null,
        Shadow = row.GetStringOrNull(18),
        Verdict = CommandNames.ToVerdict(row.GetStringOrNull(19)),
        SuppressedBy = row.GetStringOrNull(20) is { } suppression ? Names.ToSuppression(suppression) : null,
        Alert = !row.IsNull(20) ? AlertState.Suppressed
            : row.GetInt64(6) == 0 && row.GetInt64(21) == 0 ? null
            : row.GetInt64(22) == 1 ? AlertState.Queued
            : AlertState.Sent,
    };
}
