using DotNet.Testcontainers.Builders;
using FinanceIngest.Tests.Support;
using Microsoft.Data.SqlClient;
using Testcontainers.MsSql;

namespace FinanceIngest.Tests.Storage;

/// <summary>The server of the whole run: the server that FINANCE_TEST_SQLSERVER names, otherwise a container.</summary>
internal static class SqlServerInstance
{
    public const string Setting = "FINANCE_TEST_SQLSERVER";
    public const string Missing = $"SQL Server: no {Setting} and no Docker engine";
    private const string Image = "mcr.microsoft.com/mssql/server:2022-latest@sha256:4402d880dd4c34bfa7d8705e56a86cd6c88da80a1f6bbbe741f999e76264a090";
    private static readonly Lazy<Task<string?>> s_connectionString = new(FindAsync);

    // CREATE DATABASE locks the model database, so databases are created one at a time.
    private static readonly SemaphoreSlim s_creating = new(1);

    /// <summary>Returns an administrator's connection string; null when there is no server.</summary>
    public static Task<string?> ConnectionStringAsync()
    {
        NeedsAttribute.Require(Outside.SqlServer);
        return s_connectionString.Value;
    }

    /// <summary>Creates a database with a random name and returns its connection string.</summary>
    public static async Task<string> CreateDatabaseAsync(string server)
    {
        string name = $"finance_test_{Guid.NewGuid():N}";
        await s_creating.WaitAsync();
        try
        {
            await ExecuteAsync(server, $"CREATE DATABASE {name}");
        }
        finally
        {
            s_creating.Release();
        }

        return new SqlConnectionStringBuilder(server) { InitialCatalog = name }.ConnectionString;
    }

    public static async Task DropDatabaseAsync(string database)
    {
        await using (var connection = new SqlConnection(database))
        {
            SqlConnection.ClearPool(connection);
        }

        await s_creating.WaitAsync();
        try
        {
            await ExecuteAsync(database, $"DROP DATABASE {new SqlConnectionStringBuilder(database).InitialCatalog}");
        }
        finally
        {
            s_creating.Release();
        }
    }

    private static async Task<string?> FindAsync()
    {
        if (Environment.GetEnvironmentVariable(Setting) is { Length: > 0 } given)
        {
            return given;
        }

        try
        {
            // Testcontainers' reaper removes the container when the run ends.
            MsSqlContainer container = new MsSqlBuilder(Image).Build();
            await container.StartAsync();
            return container.GetConnectionString();
        }
        catch (DockerUnavailableException)
        {
            return null;
        }
    }

    /// <summary>Runs a statement in the master database.</summary>
    public static async Task ExecuteAsync(string connectionString, string sql)
    {
        await using var connection = new SqlConnection(
            new SqlConnectionStringBuilder(connectionString) { InitialCatalog = "master", Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        await using SqlCommand command = connection.CreateCommand();
        command.CommandText = sql;
        command.CommandTimeout = 120;
        await command.ExecuteNonQueryAsync();
    }
}
