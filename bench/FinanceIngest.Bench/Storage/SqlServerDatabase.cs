using System.Diagnostics;
using System.Globalization;
using FinanceIngest.Bench.Load;
using FinanceIngest.Bench.Processes;
using Microsoft.Data.SqlClient;

namespace FinanceIngest.Bench.Storage;

/// <summary>A database for one run, with the service's schema, on the server that FINANCE_TEST_SQLSERVER names.</summary>
internal sealed class SqlServerDatabase : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(10);

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
        return (parts[0], parts.Length > 1 ? int.Parse(parts[1], CultureInfo.InvariantCulture) : 1433);
    }

    /// <summary>Adds baselines by the command line, as an operator does.</summary>
    public async Task AddBaselinesAsync(int count, BenchFolder folder, IEnumerable<(string, string)> environment, CancellationToken cancellationToken)
    {
        string path = folder.NewFile("baselines.csv");
        await File.WriteAllLinesAsync(
            path, ["user_id,category_id,mean,std_dev,sample_count", .. Enumerable.Range(0, count).Select(Line)], cancellationToken);
        await using ChildProcess import = ChildProcess.Start(
            "Cli", folder, ["stats", "import", path], [.. environment, ("SQL_CONNECTION_STRING", ConnectionString)]);
        if (await import.EndAsync(cancellationToken) != 0)
        {
            throw new InvalidOperationException($"finance-ingest stats import failed; see {import.LogPath}.");
        }

        static string Line(int number)
        {
            (long userId, long categoryId, double mean, double stdDev) = TransactionSource.Baseline(number);
            return FormattableString.Invariant($"{userId},{categoryId},{mean:R},{stdDev:R},50");
        }
    }

    /// <summary>Waits until the database has a number of scored rows.</summary>
    /// <exception cref="UnreachableException">It has more, or does not get there in ten minutes.</exception>
    public async Task UntilScoredAsync(long rows, ChildProcess program, CancellationToken cancellationToken)
    {
        await using var connection = new SqlConnection(ConnectionString);
        await connection.OpenAsync(cancellationToken);
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            // The highest number costs the server little. It may run ahead of the rows, because a batch that is undone takes its numbers along.
            if (await NumberAsync(connection, "SELECT COALESCE(MAX(id), 0) FROM anomaly_transactions", cancellationToken) >= rows)
            {
                long found = await NumberAsync(connection, "SELECT COUNT_BIG(*) FROM anomaly_transactions WHERE status = 'scored'", cancellationToken);
                if (found > rows)
                {
                    throw new UnreachableException($"{found} rows are scored, not {rows}.");
                }

                if (found == rows)
                {
                    return;
                }
            }

            program.ThrowIfEnded();
            if (Stopwatch.GetElapsedTime(start) > s_patience)
            {
                throw new UnreachableException($"{rows} rows were not scored within {s_patience}; see {program.LogPath}.");
            }

            await Task.Delay(20, cancellationToken);
        }
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

    private static async Task<long> NumberAsync(SqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using SqlCommand command = connection.CreateCommand();
        command.CommandText = sql;
        return Convert.ToInt64(await command.ExecuteScalarAsync(cancellationToken), CultureInfo.InvariantCulture);
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
