using System.Data.Common;
using FinanceIngest.Chaos.Faults;
using FinanceIngest.Chaos.Processes;
using Microsoft.Data.SqlClient;
using Microsoft.Data.Sqlite;

namespace FinanceIngest.Chaos.Storage;

/// <summary>The storage of the programs under test, and the harness's own access to it.</summary>
internal abstract class Installation(string folder) : IAsyncDisposable
{
    /// <summary>Name of the inbound queue.</summary>
    public const string InboundQueue = "transactions-inbound";

    /// <summary>Name of the alert queue.</summary>
    public const string AlertQueue = "anomaly-alerts";

    /// <summary>The folder of data, logs and control files.</summary>
    public string Folder => folder;

    /// <summary>The data directory of the programs.</summary>
    public string DataDirectory { get; } = Path.Combine(folder, "data");

    /// <summary>The settings of the programs, as environment variables.</summary>
    public abstract IReadOnlyDictionary<string, string> Settings { get; }

    /// <summary>Returns the harness's own access to a queue.</summary>
    public abstract IQueueView Queue(string name);

    /// <summary>Makes a queue unavailable until the result is disposed.</summary>
    public abstract Task<IAsyncDisposable> TakeDownQueueAsync(string name);

    /// <summary>Makes the database refuse writes until the result is disposed.</summary>
    public virtual async Task<IAsyncDisposable> TakeDownDatabaseAsync() => await FileLock.TakeAsync(Path.Combine(DataDirectory, "finance-ingest.db"));

    /// <summary>Opens a connection to the database.</summary>
    public virtual DbConnection OpenDatabase() => OpenSqlite(timeoutSeconds: 20);

    /// <summary>Whether a process holds the write lock of the SQLite file for three seconds.</summary>
    public virtual bool IsDatabaseLocked()
    {
        using SqliteConnection connection = OpenSqlite(timeoutSeconds: 3);
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "BEGIN IMMEDIATE; ROLLBACK";
        try
        {
            command.ExecuteNonQuery();
            return false;
        }
        catch (SqliteException e) when (e.SqliteErrorCode == 5)
        {
            return true;
        }
    }

    /// <summary>Prepares the storage, before the first program starts.</summary>
    public virtual Task StartAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(DataDirectory);
        return Task.CompletedTask;
    }

    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    private SqliteConnection OpenSqlite(int timeoutSeconds)
    {
        string path = Path.Combine(DataDirectory, "finance-ingest.db");
        var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, DefaultTimeout = timeoutSeconds }.ToString());
        connection.Open();
        return connection;
    }
}

/// <summary>Queues and database in SQLite files.</summary>
internal sealed class EmbeddedInstallation(string folder) : Installation(folder)
{
    public override IReadOnlyDictionary<string, string> Settings => new Dictionary<string, string> { ["FinanceIngest__DataDirectory"] = DataDirectory };

    public override IQueueView Queue(string name) => new QueueFile(PathOf(name));

    public override async Task<IAsyncDisposable> TakeDownQueueAsync(string name) => await FileLock.TakeAsync(PathOf(name));

    private string PathOf(string name) => Path.Combine(DataDirectory, $"queue-{name}.db");
}

/// <summary>Azurite's queues behind a proxy, and an embedded database.</summary>
internal class AzuriteInstallation : Installation
{
    private readonly QueueProxy _proxy;

    public AzuriteInstallation(string folder)
        : base(folder)
    {
        Azurite = new Azurite(Path.Combine(folder, "azurite"));
        _proxy = new QueueProxy(Azurite.Port);
    }

    public Azurite Azurite { get; }

    public override IReadOnlyDictionary<string, string> Settings => new Dictionary<string, string>
    {
        ["FinanceIngest__DataDirectory"] = DataDirectory,
        ["AZURE_STORAGE_CONNECTION_STRING"] = Azurite.ConnectionStringOf(_proxy.Port),
    };

    public override IQueueView Queue(string name) => new AzureQueueView(Azurite.ConnectionString, name);

    public override Task<IAsyncDisposable> TakeDownQueueAsync(string name) => Task.FromResult(_proxy.TakeDown(name));

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await base.StartAsync(cancellationToken);
        await Azurite.StartAsync(cancellationToken);
        await _proxy.StartAsync(cancellationToken);
    }

    public override async ValueTask DisposeAsync()
    {
        await _proxy.DisposeAsync();
        await Azurite.DisposeAsync();
        await base.DisposeAsync();
    }
}

/// <summary>Azurite's queues, and a database of its own on the SQL Server that FINANCE_TEST_SQLSERVER names, behind a proxy.</summary>
internal sealed class SqlInstallation(string folder, string server) : AzuriteInstallation(folder)
{
    private readonly string _database = $"finance_chaos_{Guid.NewGuid():N}";
    private readonly TcpProxy _proxy = TcpProxy.To(server);

    public override IReadOnlyDictionary<string, string> Settings => new Dictionary<string, string>(base.Settings)
    {
        ["SQL_CONNECTION_STRING"] =
            new SqlConnectionStringBuilder(server) { DataSource = $"127.0.0.1,{_proxy.Port}", InitialCatalog = _database }.ConnectionString,
        ["FinanceIngest__IdSigningKey"] = "the chaos harness",
    };

    public override DbConnection OpenDatabase() => Open(_database);

    public override bool IsDatabaseLocked() => false;

    public override Task<IAsyncDisposable> TakeDownDatabaseAsync() => Task.FromResult(_proxy.TakeDown());

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await base.StartAsync(cancellationToken);
        await ExecuteAsync($"CREATE DATABASE {_database}");
        _proxy.Start();
        await Cli.RunAsync(this, ["migrate"], cancellationToken);
    }

    public override async ValueTask DisposeAsync()
    {
        _proxy.Dispose();
        SqlConnection.ClearAllPools();
        await ExecuteAsync($"DROP DATABASE {_database}");
        await base.DisposeAsync();
    }

    private SqlConnection Open(string database)
    {
        var connection = new SqlConnection(new SqlConnectionStringBuilder(server) { InitialCatalog = database, Pooling = false }.ConnectionString);
        connection.Open();
        return connection;
    }

    private async Task ExecuteAsync(string sql)
    {
        await using SqlConnection connection = Open("master");
        await using SqlCommand command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync();
    }
}
