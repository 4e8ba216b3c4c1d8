using FinanceIngest.Bench.Processes;
using Microsoft.Data.SqlClient;

namespace FinanceIngest.Bench.Storage;

/// <summary>A database for one run, with the service's schema, on the server that FINANCE_TEST_SQLSERVER names.</summary>
internal sealed class SqlServerDatabase : IAsyncDisposable
{
    public const string Setting = "FINANCE_TEST_SQLSERVER";

    private SqlServerDatabase(string connectionString) => ConnectionString = connectionString;

    /// <summary>The connection string of the server; null when there is none.</summary>
    public static string? Server => Environment.GetEnvironmentVariable(Setting) is { Length: > 0 } given ? given : null;

    public string ConnectionString { get; }

    public static async Task<SqlServerDatabase> CreateAsync(
        string server, BenchFolder folder, IEnumerable<(string, string)> environment, CancellationToken cancellationToken)
    {
        string name = $"finance_bench_{Guid.NewGuid():N}";
        await ExecuteAsync(server, $"CREATE DATABASE {name}", cancellationToken);
        var database = new SqlServerDatabase(new SqlConnectionStringBuilder(server) { InitialCatalog = name }.ConnectionString);
        await using ChildProcess migrate = ChildProcess.Start(
            "Cli", folder, ["migrate"], [.. environment, ("SQL_CONNECTION_STRING", database.ConnectionString)]);
        return await migrate.EndAsync(cancellationToken) == 0
            ? database
            : throw new InvalidOperationException($"finance-ingest migrate failed; see {migrate.LogPath}.");
    }

    /// <summary>Returns the connection string for a proxy on another port.</summary>
    public string ConnectionStringThrough(int port) =>
        new SqlConnectionStringBuilder(ConnectionString) { DataSource = $"127.0.0.1,{port}" }.ConnectionString;

    /// <summary>Returns the address of the server.</summary>
    public (string Host, int Port) Address()
    {
        string[] parts = new SqlConnectionStringBuilder(ConnectionString).DataSource.Replace("tcp:", "", StringComparison.OrdinalIgnoreCase).Split(',');
        return (parts[0], parts.Length > 1 ? int.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture) : 1433);
    }

    public async Task<(long Rows, long Batches)> CountAsync(CancellationToken cancellationToken)
    {
        await using var connection = new SqlConnection(ConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using SqlCommand command = connection.CreateCommand();
        command.CommandText = "SELECT COALESCE(SUM(row_count), 0), COUNT(*) FROM feed_batches";
        await using SqlDataReader row = await command.ExecuteReaderAsync(cancellationToken);
        await row.ReadAsync(cancellationToken);
        return (Convert.ToInt64(row.GetValue(0), null), Convert.ToInt64(row.GetValue(1), null));
    }

    public async ValueTask DisposeAsync()
    {
        SqlConnection.ClearAllPools();
        string name = new SqlConnectionStringBuilder(ConnectionString).InitialCatalog;
        await ExecuteAsync(
            new SqlConnectionStringBuilder(ConnectionString) { InitialCatalog = "master" }.ConnectionString,
            $"DROP DATABASE {name}",
            CancellationToken.None);
    }

    private static async Task ExecuteAsync(string connectionString, string sql, CancellationToken cancellationToken)
    {
        await using var connection = new SqlConnection(new SqlConnectionStringBuilder(connectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using SqlCommand command = connection.CreateCommand();
        command.CommandText = sql;
        command.CommandTimeout = 120;
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
