using Dapper;
using FinanceIngest.Ground;
using FinanceIngest.Storage;
using FinanceIngest.Storage.SqlServer;
using FinanceIngest.Tests.Support;
using Microsoft.Data.SqlClient;

namespace FinanceIngest.Tests.Storage;

[Needs(Outside.SqlServer)]
public sealed class SqlServerMigratorTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Two_migrators_at_once_apply_every_script_once()
    {
        await using var fixture = new EmptySqlServerDatabase();
        await fixture.InitializeAsync();

        IReadOnlyList<string>[] applied = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => fixture.ApplyAsync()));

        string[] scripts = [.. MigrationScript.Of("SqlServer").Select(script => script.Name)];
        Assert.Equal(scripts, applied.SelectMany(names => names));
        Assert.Empty(await fixture.ApplyAsync());
        await using SqlConnection connection = await fixture.ConnectAsync();
        Assert.Equal(scripts, await connection.QueryAsync<string>("SELECT name FROM schema_migrations ORDER BY version"));
    }

    [Fact]
    public async Task A_database_of_a_newer_program_is_left_alone()
    {
        await using var fixture = new EmptySqlServerDatabase();
        await fixture.InitializeAsync();
        await fixture.ApplyAsync();
        await using (SqlConnection connection = await fixture.ConnectAsync())
        {
            await connection.ExecuteAsync("INSERT INTO schema_migrations (version, name, applied_at) VALUES (9999, 'later', '2030-01-01')");
        }

        StoreUnavailableException e = await Assert.ThrowsAsync<StoreUnavailableException>(fixture.ApplyAsync);

        Assert.Contains("9999", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_that_was_not_migrated_is_an_outage_and_no_fault_of_a_message()
    {
        await using var fixture = new EmptySqlServerDatabase();
        await fixture.InitializeAsync();

        StoreUnavailableException e = await Assert.ThrowsAsync<StoreUnavailableException>(
            () => new SqlServerAlertOutbox(fixture.Database, TimeProvider.System).CountUnsentAsync(Token));

        Assert.Contains("alert_outbox", e.Message, StringComparison.Ordinal);
    }
}
