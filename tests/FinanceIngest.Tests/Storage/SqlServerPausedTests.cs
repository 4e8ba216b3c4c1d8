using Dapper;
using FinanceIngest.Composition;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Queueing;
using FinanceIngest.Storage.SqlServer;
using FinanceIngest.Tests.Support;
using FinanceIngest.Transactions;
using Microsoft.Data.SqlClient;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Tests.Storage;

/// <summary>A serverless database that has paused refuses every login with error 40613 until it has resumed.</summary>
public sealed class SqlServerPausedTests
{
    private const string Login = "Database=finance;User ID=u;Password=p;Encrypt=Optional;Connect Timeout=10;ConnectRetryCount=0";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Its_refusal_is_an_outage_and_no_fault_of_a_message()
    {
        await using var server = new PausableSqlServer();
        var status = new DependencyStatus("database");
        using var database = new SqlServerDatabase($"Server={server.DataSource};{Login}", TimeProvider.System, status);

        StoreUnavailableException e = await Assert.ThrowsAsync<StoreUnavailableException>(
            () => new SqlServerAlertOutbox(database, TimeProvider.System).CountUnsentAsync(Token));

        Assert.Equal(PausableSqlServer.NotAvailable, Assert.IsType<SqlException>(e.InnerException).Number);
        Assert.Equal(1, server.Refused);
        Assert.False(status.IsOk);
    }

    [Fact]
    [Needs(Outside.SqlServer)]
    public async Task A_worker_waits_until_it_has_resumed_and_counts_nothing_against_the_messages()
    {
        await using var migrated = new EmptySqlServerDatabase();
        await migrated.InitializeAsync();
        await migrated.MigrateAsync();
        var direct = new SqlConnectionStringBuilder(migrated.ConnectionString);
        await using var server = new PausableSqlServer(direct.DataSource);
        using var folder = new TemporaryFolder();
        var passing = new SqlConnectionStringBuilder(direct.ConnectionString) { DataSource = server.DataSource, ConnectRetryCount = 0 };
        var settings = new Settings
        {
            DataDirectory = folder.Path,
            SqlConnectionString = passing.ConnectionString,
            IdSigningKey = "a signing key of the tests, long enough",
            Roles = Roles.Scorer,
        };
        using IHost worker = new HostBuilder()
            .ConfigureServices(services => services.AddFinanceIngest(settings).AddBackgroundRoles(settings))
            .ConfigureLogging(logging => logging.ClearProviders())
            .Build();
        Queues queues = worker.Services.GetRequiredService<Queues>();
        var envelope = new EnvelopeBuilder("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        DateTime now = TimeProvider.System.UtcNowMicroseconds();
        Guid id = SqlServerFixture.Ids.NewId();
        Assert.True(envelope.TryAdd(new Transaction(id, 399, 2310, new Money(60_000_000), now, now)));
        await queues.Inbound.EnsureExistsAsync(Token);
        await queues.Inbound.SendAsync(envelope.ToBody(), TimeSpan.Zero, Token);

        await worker.StartAsync(Token);
        await Eventually.TrueAsync(() => server.Refused >= 3, Token);
        LeasedMessage waiting = Assert.Single(await queues.Inbound.ReceiveAsync(1, TimeSpan.Zero, Token));
        server.Resume();
        await using SqlConnection connection = await migrated.ConnectAsync();
        const string scored = "SELECT COUNT(*) FROM anomaly_transactions WHERE transaction_id = @id AND status = 'scored'";
        await Eventually.TrueAsync(async () => await connection.ExecuteScalarAsync<int>(scored, new { id }) == 1, Token);
        await worker.StopAsync(Token);

        // The worker did not receive the message while the database was paused: the test itself caused the one delivery.
        Assert.Equal(1, waiting.DequeueCount);
        Assert.Equal(0, await connection.ExecuteScalarAsync<int>("SELECT (SELECT COUNT(*) FROM message_attempts) + (SELECT COUNT(*) FROM poison_messages)"));
    }
}
