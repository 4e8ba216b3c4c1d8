using System.Data.Common;
using FinanceIngest.Baselines;
using FinanceIngest.Commands;
using FinanceIngest.Detection;
using FinanceIngest.Learning;
using FinanceIngest.Results;
using FinanceIngest.Transactions;

namespace FinanceIngest.Storage.SqlServer;

/// <summary>Reads this system's types from SQL Server's columns.</summary>
internal static class SqlServerRows
{
    /// <summary>The columns that <see cref="ToResult"/> reads, of the table under the alias <c>t</c>.</summary>
    public const string ResultColumns =
        "t.id, t.transaction_key, t.user_id, t.category_id, t.amount, t.z_score, t.is_anomaly, t.status, t.reason, "
        + "t.mean, t.std_dev, t.sample_count, t.occurred_at, t.accepted_at, t.created_at, t.error, t.detector, t.judgement, "
        + "t.shadow, t.verdict, t.suppressed_by, t.has_alert, "
        + "CASE WHEN t.is_anomaly = 1 OR t.has_alert = 1 "
        + "THEN (SELECT COUNT(*) FROM alert_outbox o WHERE o.transaction_key = t.transaction_key AND o.sent_at IS NULL) ELSE 0 END";

    /// <summary>Ordinal of the first column behind <see cref="ResultColumns"/>.</summary>
    public const int NextColumn = 23;

    /// <summary>The result; the row's id, column 0, is left to the caller.</summary>
    public static TransactionResult ToResult(DbDataReader row) => new()
    {
        Id = Id(row, 1),
        UserId = Value<long>(row, 2),
        CategoryId = Value<long>(row, 3),
        Amount = Value<decimal>(row, 4) is { } amount ? Money.FromDecimal(amount) : null,
        ZScore = Value<double>(row, 5),
        IsAnomaly = row.GetBoolean(6),
        Status = Names.ToStatus(row.GetString(7)),
        Reason = Text(row, 8) is { } reason ? Names.ToReason(reason) : null,
        Baseline = row.IsDBNull(9) ? null : new Baseline(row.GetDouble(9), row.GetDouble(10), row.GetInt64(11)),
        OccurredAt = Time(row, 12),
        AcceptedAt = Time(row, 13),
        ScoredAt = Time(row, 14),
        Error = Text(row, 15),
        Detected = Text(row, 16) is { } detector ? Detected.Read(detector, row.GetFieldValue<byte[]>(17)) : null,
        Shadow = Text(row, 18),
        Verdict = CommandNames.ToVerdict(Text(row, 19)),
        SuppressedBy = Text(row, 20) is { } suppression ? Names.ToSuppression(suppression) : null,
        Alert = !row.IsDBNull(20) ? AlertState.Suppressed
            : !row.GetBoolean(6) && !row.GetBoolean(21) ? null
            : row.GetInt32(22) > 0 ? AlertState.Queued
            : AlertState.Sent,
    };

    /// <summary>Reads a user of <c>user_id, version, state, carried</c>.</summary>
    public static KnownUser ToUser(DbDataReader row) => new(
        row.GetInt64(0), row.GetInt64(1), UserState.Read(row.GetFieldValue<byte[]>(2)), row.IsDBNull(3) ? null : UserState.Read(row.GetFieldValue<byte[]>(3)));

    /// <summary>Reads a state of <c>user_id, category_id, is_refund, state, carried</c>.</summary>
    public static KnownKey ToKey(DbDataReader row) => new(
        StateKey.Of(row.GetInt64(0), row.GetInt64(1), row.GetBoolean(2)),
        KeyState.Read(row.GetFieldValue<byte[]>(3)),
        row.IsDBNull(4) ? null : KeyState.Read(row.GetFieldValue<byte[]>(4)));

    /// <summary>The id of a key: see <see cref="SqlServerTables.Key(Guid)"/>.</summary>
    public static Guid Id(byte[] key) => new(key, bigEndian: true);

    /// <summary>The id whose key stands in a column.</summary>
    public static Guid Id(DbDataReader row, int ordinal) => Id(row.GetFieldValue<byte[]>(ordinal));

    public static string? Text(DbDataReader row, int ordinal) => row.IsDBNull(ordinal) ? null : row.GetString(ordinal);

    public static DateTime? Time(DbDataReader row, int ordinal) =>
        row.IsDBNull(ordinal) ? null : DateTime.SpecifyKind(row.GetDateTime(ordinal), DateTimeKind.Utc);

    /// <summary>The rows of the reader's current result.</summary>
    public static async Task<List<T>> ReadAsync<T>(DbDataReader reader, Func<DbDataReader, T> map, CancellationToken cancellationToken)
    {
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(map(reader));
        }

        return rows;
    }

    private static T? Value<T>(DbDataReader row, int ordinal)
        where T : struct => row.IsDBNull(ordinal) ? null : row.GetFieldValue<T>(ordinal);
}
