using FinanceIngest.Ground;
using FinanceIngest.Storage.Sqlite;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Storage;

/// <summary>Gives each test a database in a temporary folder of its own.</summary>
public sealed class SqliteFixture : StoreFixture
{
    private readonly string _root = Directory.CreateTempSubdirectory("finance-ingest-").FullName;
    private readonly List<SqliteDatabase> _open = [];
    private string _directory = "";

    public override ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public override ValueTask DisposeAsync()
    {
        Close();
        Directory.Delete(_root, recursive: true);
        return ValueTask.CompletedTask;
    }

    internal override Stores Open(TimeProvider time)
    {
        SqliteDatabase database = OpenDatabase();
        return new Stores(
            new SqliteScoringStore(database, time),
            new SqliteResultsStore(database),
            new SqliteAlertOutbox(database, time),
            new SqlitePoisonStore(database, time),
            new SqliteBaselineStore(database, time),
            new SqliteRetentionStore(database, time),
            new SqliteConflictStore(database),
            new SqliteDeliveryStore(database, time),
            new SqliteNotificationDestinationStore(database),
            new SqliteLearningStore(database, time),
            new SqliteHistoryStore(database),
            new SqliteCommandStore(database),
            new SqliteCommandStore(database));
    }

    public override Task ClearAsync()
    {
        Close();
        _directory = Path.Combine(_root, Guid.NewGuid().ToString("N"));
        return Task.CompletedTask;
    }

    public override Task PurgeAsync(Guid transactionId) => OpenDatabase().WriteAsync(
        session => session.Execute("DELETE FROM anomaly_transactions WHERE transaction_id = ?1", transactionId)
            + session.Execute("INSERT INTO purged_transactions (transaction_id, purged_at) VALUES (?1, ?2)", transactionId, Time.UtcNowMicroseconds()),
        CancellationToken.None);

    public override Task<long> CountRowsAsync(string table) =>
        OpenDatabase().ReadAsync(session => session.Number($"SELECT count(*) FROM {table}"), CancellationToken.None);

    internal SqliteDatabase OpenDatabase()
    {
        var database = new SqliteDatabase(_directory, Time, new DependencyStatus("database"));
        _open.Add(database);
        return database;
    }

    private void Close()
    {
        _open.ForEach(database => database.Dispose());
        _open.Clear();
    }
}
