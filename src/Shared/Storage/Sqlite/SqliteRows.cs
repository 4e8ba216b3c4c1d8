using FinanceIngest.Baselines;
using FinanceIngest.Results;
using FinanceIngest.Transactions;
using Microsoft.Data.Sqlite;

namespace FinanceIngest.Storage.Sqlite;

/// <summary>How this system's types stand in SQLite columns.</summary>
internal static class SqliteRows
{
    /// <summary>The columns that <see cref="ToResult"/> reads, of the table under the alias <c>t</c>.</summary>
    public const string ResultColumns =
        "t.id, t.transaction_id, t.user_id, t.category_id, t.amount, t.z_score, t.is_anomaly, t.status, t.reason, "
        + "t.mean, t.std_dev, t.sample_count, t.occurred_at, t.accepted_at, t.created_at, t.error";

    /// <summary>Ordinal behind the result's columns.</summary>
    public const int NextColumn = 16;

    public static TransactionResult ToResult(SqliteDataReader row) => new()
    {
        Id = Guid.Parse(row.GetString(1)),
        UserId = Int64(row, 2),
        CategoryId = Int64(row, 3),
        Amount = Int64(row, 4) is { } units ? new Money(units) : null,
        ZScore = Double(row, 5),
        IsAnomaly = row.GetInt64(6) == 1,
        Status = Names.ToStatus(row.GetString(7)),
        Reason = Text(row, 8) is { } reason ? Names.ToReason(reason) : null,
        Baseline = row.IsDBNull(9) ? null : new Baseline(row.GetDouble(9), row.GetDouble(10), row.GetInt64(11)),
        OccurredAt = Time(row, 12),
        AcceptedAt = Time(row, 13),
        ScoredAt = Time(row, 14),
        Error = Text(row, 15),
    };

    public static string Uuid(Guid id) => id.ToString("D");

    public static string? Time(DateTime? instant) => instant is { } value ? Timestamp.ToText(value) : null;

    public static string? Text(SqliteDataReader row, int ordinal) => row.IsDBNull(ordinal) ? null : row.GetString(ordinal);

    public static DateTime? Time(SqliteDataReader row, int ordinal) => row.IsDBNull(ordinal) ? null : Timestamp.FromText(row.GetString(ordinal));

    private static long? Int64(SqliteDataReader row, int ordinal) => row.IsDBNull(ordinal) ? null : row.GetInt64(ordinal);

    private static double? Double(SqliteDataReader row, int ordinal) => row.IsDBNull(ordinal) ? null : row.GetDouble(ordinal);
}
