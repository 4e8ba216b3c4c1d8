using Dapper;
using FinanceIngest.Ground;
using FinanceIngest.Storage;
using FinanceIngest.Storage.SqlServer;
using FinanceIngest.Transactions;
using Microsoft.Data.SqlClient;

namespace FinanceIngest.Tests.Storage;

/// <summary>A SQL Server database of one test class, dropped afterwards.</summary>
public sealed class SqlServerFixture : StoreFixture
{
    // The script clears every table that holds data.
    private const string ClearSql =
        """
        DELETE FROM anomaly_stats; DELETE FROM anomaly_stats_superseded; DELETE FROM anomaly_transactions;
        DELETE FROM feed_batches;
        DELETE FROM alert_outbox; DELETE FROM poison_messages; DELETE FROM message_attempts; DELETE FROM repeat_conflicts;
        DELETE FROM purged_transactions; DELETE FROM installation; DELETE FROM processes;
        DELETE FROM detection_users; DELETE FROM detection_states; DELETE FROM detection_models; DELETE FROM detection_categories;
        DELETE FROM notification_deliveries; DELETE FROM notification_channels; DELETE FROM notification_destinations;
        DELETE FROM removed_destinations; DELETE FROM feedback; DELETE FROM sensitivity; DELETE FROM erased_users;
        """;

    /// <summary>Makes the ids of the older system's rows.</summary>
    public static readonly IdCertifier Ids = new("a signing key of the tests, long enough", TimeProvider.System);

    private readonly List<SqlServerDatabase> _open = [];
    private string? _connectionString;

    public override string? Unavailable =>
        _connectionString is null ? SqlServerInstance.Missing : null;

    public string ConnectionString => _connectionString!;

    public override async ValueTask InitializeAsync()
    {
        if (await SqlServerInstance.ConnectionStringAsync() is not { } server)
        {
            return;
        }

        _connectionString = await SqlServerInstance.CreateDatabaseAsync(server);
        await new SqlServerMigrator(OpenDatabase(), Ids, Time).MigrateAsync(new MigrationOptions(), CancellationToken.None);
    }

    public override async ValueTask DisposeAsync()
    {
        _open.ForEach(database => database.Dispose());
        if (_connectionString is not null)
        {
            await SqlServerInstance.DropDatabaseAsync(_connectionString);
        }
    }

    internal override Stores Open(TimeProvider time)
    {
        SqlServerDatabase database = OpenDatabase();
        return new Stores(
            new SqlServerScoringStore(database, time),
            new SqlServerResultsStore(database),
            new SqlServerAlertOutbox(database, time),
            new SqlServerPoisonStore(database, time),
            new SqlServerBaselineStore(database, time),
            new SqlServerRetentionStore(database, time),
            new SqlServerConflictStore(database),
            new SqlServerDeliveryStore(database, time),
            new SqlServerNotificationDestinationStore(database),
            new SqlServerLearningStore(database, time),
            new SqlServerHistoryStore(database),
            new SqlServerCommandStore(database),
            new SqlServerCommandStore(database));
    }

    internal SqlServerDatabase OpenDatabase()
    {
        SqlServerDatabase database = OpenDatabase(ConnectionString, Time);
        _open.Add(database);
        return database;
    }

    internal static SqlServerDatabase OpenDatabase(string connectionString, TimeProvider time) =>
        new(connectionString, time, new DependencyStatus("database"));

    /// <summary>Opens a plain connection, with which a test bypasses the stores.</summary>
    public async Task<SqlConnection> ConnectAsync()
    {
        var connection = new SqlConnection(ConnectionString);
        await connection.OpenAsync();
        return connection;
    }

    public override Task ClearAsync() => ExecuteAsync(ClearSql);

    public override Task PurgeAsync(Guid transactionId) => ExecuteAsync(
        """
        DELETE FROM anomaly_transactions WHERE transaction_key = @key;
        INSERT INTO purged_transactions (transaction_key, purged_at) VALUES (@key, @now);
        """,
        new { key = SqlServerTables.Key(transactionId), now = Time.UtcNowMicroseconds() });

    public override async Task<long> CountRowsAsync(string table)
    {
        await using SqlConnection connection = await ConnectAsync();
        return await connection.ExecuteScalarAsync<long>($"SELECT COUNT_BIG(*) FROM {table}");
    }

    private async Task ExecuteAsync(string sql, object? parameters = null)
    {
        await using SqlConnection connection = await ConnectAsync();
        await connection.ExecuteAsync(sql, parameters);
    }
}
