using System.Data.Common;
using System.Globalization;

namespace FinanceIngest.Chaos.Storage;

/// <summary>Reads the tables by the harness's own SQL, with the same statements on SQLite and SQL Server.</summary>
internal sealed class Rows(Installation installation)
{
    public long Count() => Number("SELECT count(*) FROM anomaly_transactions");

    public long Unsent() => Number("SELECT count(*) FROM alert_outbox WHERE sent_at IS NULL");

    /// <summary>Returns the number of unsent alerts that are claimed.</summary>
    public long ClaimedAlerts() => Number(installation is SqlInstallation
        ? "SELECT count(*) FROM alert_outbox WHERE sent_at IS NULL AND claimed_until > SYSUTCDATETIME()"
        : "SELECT count(*) FROM alert_outbox WHERE sent_at IS NULL AND claimed_until > strftime('%Y-%m-%dT%H:%M:%fZ', 'now')");

    public long Anomalies() => Number("SELECT count(*) FROM anomaly_transactions WHERE is_anomaly = 1");

    public long Poison() => Number("SELECT count(*) FROM poison_messages");

    public long Conflicts() => Number("SELECT count(*) FROM repeat_conflicts");

    public long Attempts() => Number("SELECT coalesce(sum(attempts), 0) FROM message_attempts");

    /// <summary>Returns the feed position of the batch that wrote an id's row; it grows with each change of status.</summary>
    public long Position(Guid id) => Number(installation is SqlInstallation
        ? $"SELECT coalesce(max(f.position), 0) FROM feed_batches f JOIN anomaly_transactions t ON t.batch_id = f.batch_id WHERE t.transaction_id = '{id:D}'"
        : $"SELECT coalesce(min(f.position), 0) FROM feed_batches f JOIN anomaly_transactions t ON t.id <= f.last_id WHERE t.transaction_id = x'{id:N}'");

    public List<ResultRow> Results() => Query(
        "SELECT transaction_id, user_id, amount, status, is_anomaly FROM anomaly_transactions",
        row => new ResultRow(
            Uuid(row, 0),
            Convert.ToInt64(row.GetValue(1), CultureInfo.InvariantCulture),
            Money(row, 2),
            row.GetString(3),
            Convert.ToInt64(row.GetValue(4), CultureInfo.InvariantCulture) == 1));

    public List<AlertRow> Alerts() => Query(
        "SELECT alert_id, transaction_id, sent_at FROM alert_outbox",
        row => new AlertRow(Uuid(row, 0), Uuid(row, 1), !row.IsDBNull(2)));

    /// <summary>Returns an alert as it is sent; null when there is no such alert.</summary>
    public string? AlertPayload(Guid alertId) => Query(
        $"SELECT payload FROM alert_outbox WHERE alert_id = {(installation is SqlInstallation ? $"'{alertId:D}'" : $"x'{alertId:N}'")}",
        row => row.GetString(0)) is [{ } payload] ? payload : null;

    /// <summary>Returns the number of deliveries in a state; null: in any.</summary>
    public long Deliveries(string? state) => Number(
        $"SELECT count(*) FROM notification_deliveries{(state is null ? "" : $" WHERE state = '{state}'")}");

    public List<string> Baselines() => Query(
        "SELECT user_id, category_id, mean, std_dev, sample_count FROM anomaly_stats ORDER BY user_id, category_id",
        row => string.Join(",", Enumerable.Range(0, 5).Select(column => Convert.ToString(row.GetValue(column), CultureInfo.InvariantCulture))));

    /// <summary>Returns the result of SQLite's integrity check; always <c>ok</c> on SQL Server.</summary>
    public string Integrity() => installation is SqlInstallation ? "ok" : Query("PRAGMA integrity_check", row => row.GetString(0))[0];

    private static Guid Uuid(DbDataReader row, int column) =>
        row.GetValue(column) is Guid uuid ? uuid : new Guid((byte[])row.GetValue(column), bigEndian: true);

    // The SQLite column holds whole ten-thousandths.
    private static decimal Money(DbDataReader row, int column) =>
        row.IsDBNull(column) ? 0 : row.GetValue(column) is long units ? units / 10_000m : row.GetDecimal(column);

    private long Number(string sql) => Query(sql, row => Convert.ToInt64(row.GetValue(0), CultureInfo.InvariantCulture))[0];

    private List<T> Query<T>(string sql, Func<DbDataReader, T> map)
    {
        using DbConnection connection = installation.OpenDatabase();
        using DbCommand command = connection.CreateCommand();
        command.CommandText = sql;
        using DbDataReader reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read())
        {
            rows.Add(map(reader));
        }

        return rows;
    }
}

internal sealed record ResultRow(Guid Id, long UserId, decimal Amount, string Status, bool IsAnomaly);

internal sealed record AlertRow(Guid AlertId, Guid TransactionId, bool IsSent);
