using FinanceIngest.Storage;
using FinanceIngest.Storage.SqlServer;
using Microsoft.Data.SqlClient;

namespace FinanceIngest.Tests.Storage;

/// <summary>A database without tables, which is dropped after the test.</summary>
internal sealed class EmptySqlServerDatabase : IAsyncDisposable
{
    private string? _connectionString;
    private SqlServerDatabase? _database;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public string ConnectionString => _connectionString!;

    public SqlServerDatabase Database => _database!;

    public async Task InitializeAsync()
    {
        string? server = await SqlServerInstance.ConnectionStringAsync();
        Assert.SkipWhen(server is null, SqlServerInstance.Missing);
        _connectionString = await SqlServerInstance.CreateDatabaseAsync(server!);
        _database = SqlServerFixture.OpenDatabase(_connectionString, TimeProvider.System);
    }

    public Task<MigrationOutcome> MigrateAsync(TimeZoneInfo? olderTimeZone = null, TimeProvider? time = null) =>
        new SqlServerMigrator(Database, SqlServerFixture.Ids, time ?? TimeProvider.System).MigrateAsync(
            new MigrationOptions { OlderTimeZone = olderTimeZone ?? TimeZoneInfo.Utc }, Token);

    /// <summary>Migrates the database and returns the names of the scripts that were applied.</summary>
    public async Task<IReadOnlyList<string>> ApplyAsync() => (await MigrateAsync()).Applied;

    public async Task<SqlConnection> ConnectAsync()
    {
        var connection = new SqlConnection(_connectionString);
        await connection.OpenAsync(Token);
        return connection;
    }

    public async ValueTask DisposeAsync()
    {
        _database?.Dispose();
        if (_connectionString is not null)
        {
            await SqlServerInstance.DropDatabaseAsync(_connectionString);
        }
    }
}
