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
    public async Task A_database_of_a_build_from_before_the_first_release_is_refused_with_a_line_that_says_so()
    {
        await using var fixture = new EmptySqlServerDatabase();
        await fixture.InitializeAsync();
        await using SqlConnection connection = await fixture.ConnectAsync();
        await connection.ExecuteAsync(
            """
            CREATE TABLE schema_migrations (version INT NOT NULL PRIMARY KEY, name NVARCHAR(200) NOT NULL, applied_at DATETIME2(6) NOT NULL);
            INSERT INTO schema_migrations (version, name, applied_at) VALUES (1, '0001_initial', '2026-11-01'), (6, '0006_poison_by_time', '2026-11-01');
            """);

        MigrationException e = await Assert.ThrowsAsync<MigrationException>(fixture.ApplyAsync);
        DatabaseFacts facts = await new SqlServerInspector(fixture.Database).InspectAsync(Token);

        Assert.All([e.Message, facts.Refusal!], message =>
        {
            Assert.Contains("before 0.1.0", message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', message);
        });
        Assert.Equal(1, await connection.ExecuteScalarAsync<int>("SELECT COUNT(*) FROM sys.tables"));
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, true)]
    public async Task A_database_that_a_later_program_migrated_is_used_unless_it_is_of_a_later_generation(int generation, bool isRefused)
    {
        await using var fixture = new EmptySqlServerDatabase();
        await fixture.InitializeAsync();
        await fixture.ApplyAsync();
        await using (SqlConnection connection = await fixture.ConnectAsync())
        {
            await connection.ExecuteAsync(
                "INSERT INTO schema_migrations (version, name, applied_at, generation) VALUES (9999, 'later', '2030-01-01', @generation)", new { generation });
        }

        DatabaseFacts facts = await new SqlServerInspector(fixture.Database).InspectAsync(Token);

        Assert.Equal(9999, facts.Version);
        if (isRefused)
        {
            Assert.Contains("generation 2", (await Assert.ThrowsAsync<MigrationException>(fixture.ApplyAsync)).Message, StringComparison.Ordinal);
            Assert.Contains("generation 2", facts.Refusal!, StringComparison.Ordinal);
        }
        else
        {
            Assert.Empty(await fixture.ApplyAsync());
            Assert.Null(facts.Refusal);
        }
    }

    [Fact]
    public async Task A_database_that_was_not_migrated_is_an_outage_and_no_fault_of_a_message()
    {
        await using var fixture = new EmptySqlServerDatabase();
        await fixture.InitializeAsync();

        StoreUnavailableException e = await Assert.ThrowsAsync<StoreUnavailableException>(
            () => new SqlServerAlertOutbox(fixture.Database, TimeProvider.System).CountUnsentAsync(Token));

        Assert.Contains("alert_outbox", e.Message, StringComparison.Ordinal);
        Assert.Contains("finance-ingest migrate", e.Message, StringComparison.Ordinal);
    }
}
