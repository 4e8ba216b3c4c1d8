using FinanceIngest.Alerts;
using FinanceIngest.Ground;
using FinanceIngest.Storage;
using FinanceIngest.Storage.Sqlite;
using FinanceIngest.Tests.Support;
using FinanceIngest.Transactions;
using Microsoft.Data.Sqlite;

namespace FinanceIngest.Tests.Storage;

/// <summary>This version of the program opens a database file that an older version made.</summary>
public sealed class SqliteMigrationTests : IDisposable
{
    private const string AlertOfAnOlderProgramSql =
        "INSERT INTO alert_outbox (alert_id, transaction_id, payload, created_at) VALUES (@alert_id, @transaction_id, '{}', @created_at)";

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Alerts_that_an_older_program_wrote_before_and_after_the_upgrade_are_claimed_without_a_trace()
    {
        var before = Guid.NewGuid();
        var after = Guid.NewGuid();
        await using SqliteConnection older = await CreateAsync(version: 2);
        Insert(older, before, Sample.Noon);
        using var database = new SqliteDatabase(_folder.Path, TimeProvider.System, new DependencyStatus("database"));

        MigrationOutcome outcome = await database.OpenAsync(Token);
        Insert(older, after, Sample.Noon.AddSeconds(1));

        Assert.Equal("0003_alert_trace", outcome.Applied[0]);
        Assert.Equal(
            [new ClaimedAlert(before, "{}", null, 1), new ClaimedAlert(after, "{}", null, 1)],
            await new SqliteAlertOutbox(database, TimeProvider.System).ClaimAsync(Guid.NewGuid(), 10, TimeSpan.FromMinutes(1), Token));
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>Creates the file as a program made it that had only the scripts up to <paramref name="version"/>.</summary>
    private async Task<SqliteConnection> CreateAsync(int version)
    {
        string file = Path.Combine(_folder.Path, SqliteDatabase.FileName);
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, Pooling = false }.ToString());
        await connection.OpenAsync(Token);
        Execute(connection, "PRAGMA journal_mode = WAL");
        Execute(connection, "CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at TEXT NOT NULL)");
        foreach (MigrationScript script in MigrationScript.Of("Sqlite").Where(script => script.Version <= version))
        {
            Execute(connection, script.Sql);
            Execute(
                connection,
                "INSERT INTO schema_migrations (version, name, applied_at) VALUES (@version, @name, '2026-01-02T12:00:00.000000Z')",
                ("@version", script.Version), ("@name", script.Name));
        }

        return connection;
    }

    private static void Insert(SqliteConnection connection, Guid alertId, DateTime createdAt) => Execute(
        connection,
        AlertOfAnOlderProgramSql,
        ("@alert_id", alertId.ToString()), ("@transaction_id", Guid.NewGuid().ToString()), ("@created_at", Timestamp.ToText(createdAt)));

    private static void Execute(SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object Value)> parameters)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        foreach ((string name, object value) in parameters)
        {
            command.Parameters.AddWithValue(name, value);
        }

        command.ExecuteNonQuery();
    }
}
