using Dapper;
using FinanceIngest.Baselines;
using FinanceIngest.Commands;
using FinanceIngest.Configuration;
using FinanceIngest.Notifications.Destinations;
using FinanceIngest.Poison;
using FinanceIngest.Results;
using FinanceIngest.Scoring;
using FinanceIngest.Storage.SqlServer;
using FinanceIngest.Tests.Support;
using Microsoft.Data.SqlClient;

namespace FinanceIngest.Tests.Storage;

/// <summary>A user with only a program's role can do all of the program's work, and nothing beyond it.</summary>
[Needs(Outside.SqlServer)]
public sealed class SqlServerRolesTests : IAsyncLifetime
{
    private readonly EmptySqlServerDatabase _database = new();
    private readonly List<string> _logins = [];
    private readonly List<SqlServerDatabase> _open = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await _database.InitializeAsync();
        await _database.MigrateAsync();
        await using SqlConnection connection = await _database.ConnectAsync();
        bool isBabelfish = await connection.ExecuteScalarAsync<string>("SELECT CAST(SERVERPROPERTY('BabelfishVersion') AS VARCHAR(100))") is not null;
        foreach (string batch in SqlServerMigrator.Batches(SqlServerMigrator.RolesScript))
        {
            // Babelfish implements table types as tables and has no GRANT for types.
            await connection.ExecuteAsync(isBabelfish ? batch.Replace("GRANT EXECUTE ON TYPE::", "GRANT SELECT, INSERT ON ", StringComparison.Ordinal) : batch);
        }
    }

    [Fact]
    public async Task A_worker_scores_and_sends_but_takes_no_result_away()
    {
        SqlServerDatabase worker = await OpenAsAsync("finance_ingest_worker");
        var scoring = new SqlServerScoringStore(worker, TimeProvider.System);
        var outbox = new SqlServerAlertOutbox(worker, TimeProvider.System);
        var poison = new SqlServerPoisonStore(worker, TimeProvider.System);
        TransactionResult anomaly = Sample.Anomaly();

        await new SqlServerInstallationStore(worker).ReadOrAddAsync("a", "b", Token);
        await scoring.LoadBaselinesAsync([new BaselineKey(1, 2)], Token);
        Assert.Equal(1, (await scoring.WriteAsync(Sample.Batch(anomaly) with { Poison = [Sample.Poison("m")] }, Token)).Alerts);
        Assert.Equal(1, (await scoring.WriteAsync(Sample.Batch(anomaly), Token)).Repeats);
        Assert.Equal(1, await outbox.CountUnsentAsync(Token));
        Assert.Single(await outbox.ClaimAsync(Guid.NewGuid(), 10, TimeSpan.FromMinutes(1), Token));
        Assert.Equal(1, await poison.CountAttemptAsync("x", "failed", Token));

        await AssertDeniedAsync(worker, "DELETE FROM anomaly_transactions");
        await AssertDeniedAsync(worker, "UPDATE anomaly_stats SET mean = 0");
        await AssertDeniedAsync(worker, "DELETE FROM poison_messages");
        await AssertDeniedAsync(worker, "DROP TABLE anomaly_stats");
    }

    [Fact]
    public async Task A_worker_adds_and_takes_back_addresses()
    {
        SqlServerDatabase worker = await OpenAsAsync("finance_ingest_worker");
        var destinations = new SqlServerNotificationDestinationStore(worker);
        for (int second = 0; second < 2; second++)
        {
            await destinations.PutAsync(Address(second), Token);
        }

        NotificationDestination kept = Assert.Single(await destinations.ListAsync([399], Token));
        await destinations.TakeBackAsync(399, kept.Id, kept.CreatedAt, Token);
        await destinations.PutAsync(kept, Token);
        Assert.Empty(await destinations.ListAsync([399], Token));
    }

    [Fact]
    public async Task An_intake_reads_and_takes_baselines_but_writes_no_result()
    {
        SqlServerDatabase intake = await OpenAsAsync("finance_ingest_intake");
        var results = new SqlServerResultsStore(intake);

        Assert.Empty(await results.GetAsync([Guid.NewGuid()], Token));
        Assert.Empty((await results.ReadFeedAsync(FeedCursor.Start, 10, Token))!.Results);
        Assert.Empty((await results.ReadAnomaliesAsync(new AnomalyFilter(null, null, null, null), null, 10, Token)).Anomalies);
        Assert.Equal(0, await new SqlServerAlertOutbox(intake, TimeProvider.System).CountUnsentAsync(Token));
        Assert.Empty(await new SqlServerNotificationDestinationStore(intake).ListAsync([399], Token));
        var removal = new RemoveDestinationCommand(Guid.NewGuid(), Sample.Noon, 399, Guid.NewGuid());
        Assert.False(await new SqlServerCommandStore(intake).AreCarriedOutAsync([removal], Token));
        var row = new BaselineRow(new BaselineKey(1, 2), new Baseline(1, 1, 10));
        Assert.Equal(1, (await new SqlServerBaselineStore(intake, TimeProvider.System).UpsertAsync([row], Token)).Inserted);
        Assert.Equal(1, await new SqlServerBaselineStore(intake, TimeProvider.System).RemoveAsync(1, 2, Token));

        await AssertDeniedAsync(intake, "UPDATE anomaly_transactions SET is_anomaly = 0");
        await AssertDeniedAsync(intake, "UPDATE alert_outbox SET sent_at = created_at");
        await AssertDeniedAsync(intake, "DELETE FROM notification_destinations");
        await AssertDeniedAsync(intake, "SELECT body FROM poison_messages");
        await AssertDeniedAsync(intake, "SELECT value FROM installation");
    }

    [Fact]
    public async Task Retention_removes_old_rows_and_does_nothing_else()
    {
        ScoredBatch batch = Sample.Batch(Sample.Anomaly()) with { Poison = [Sample.Poison("m")] };
        await new SqlServerScoringStore(_database.Database, TimeProvider.System).WriteAsync(batch, Token);
        SqlServerDatabase user = await OpenAsAsync("finance_ingest_retention");
        var poison = new SqlServerPoisonStore(user, TimeProvider.System);

        await new SqlServerRetentionStore(user, TimeProvider.System).PurgeAsync(DateTime.UtcNow, Token);
        Assert.True(await poison.RemoveAsync(Assert.Single(await poison.ListAsync(Token)).MessageId, Token));

        await AssertDeniedAsync(user, "UPDATE anomaly_transactions SET is_anomaly = 0");
        await AssertDeniedAsync(user, "DELETE FROM purged_transactions");
        await AssertDeniedAsync(user, "DELETE FROM anomaly_stats");
    }

    [Fact]
    public async Task An_operator_handles_poison_and_baselines_but_not_the_schema()
    {
        ScoredBatch batch = Sample.Batch(Sample.Failed()) with { Poison = [Sample.Poison("m")] };
        await new SqlServerScoringStore(_database.Database, TimeProvider.System).WriteAsync(batch, Token);
        SqlServerDatabase user = await OpenAsAsync("finance_ingest_operator");
        var poison = new SqlServerPoisonStore(user, TimeProvider.System);
        var baselines = new SqlServerBaselineStore(user, TimeProvider.System);

        PoisonMessage message = Assert.Single(await poison.ListAsync(Token));
        Assert.True(await poison.RemoveAsync(message.MessageId, Token));
        await baselines.UpsertAsync([new BaselineRow(new BaselineKey(1, 2), new Baseline(1, 1, 10))], Token);
        Assert.Equal(1, (await new SqlServerRetentionStore(user, TimeProvider.System).EraseUserAsync(1, [], null, Token)).Baselines);

        await AssertDeniedAsync(user, "DROP TABLE anomaly_stats");
        await AssertDeniedAsync(user, "DELETE FROM feed_batches");
    }

    public async ValueTask DisposeAsync()
    {
        _open.ForEach(database => database.Dispose());
        await _database.DisposeAsync();
        foreach (string login in _logins)
        {
            await SqlServerInstance.ExecuteAsync((await SqlServerInstance.ConnectionStringAsync())!, $"DROP LOGIN {login}");
        }
    }

    private async Task<SqlServerDatabase> OpenAsAsync(string role)
    {
        string name = $"finance_test_{Guid.NewGuid():N}";
        string password = $"Aa1#{Guid.NewGuid():N}";
        _logins.Add(name);
        await using SqlConnection connection = await _database.ConnectAsync();
        await connection.ExecuteAsync($"CREATE LOGIN {name} WITH PASSWORD = '{password}'");
        await connection.ExecuteAsync($"CREATE USER {name} FOR LOGIN {name}");
        await connection.ExecuteAsync($"ALTER ROLE {role} ADD MEMBER {name}");
        SqlServerDatabase database = SqlServerFixture.OpenDatabase(
            new SqlConnectionStringBuilder(_database.ConnectionString) { UserID = name, Password = password }.ConnectionString, TimeProvider.System);
        _open.Add(database);
        return database;
    }

    private static NotificationDestination Address(int second) =>
        new(Guid.NewGuid(), 399, ChannelType.Smtp, Sample.Noon.AddSeconds(second)) { Mail = "someone@home.example" };

    private static async Task AssertDeniedAsync(SqlServerDatabase database, string sql)
    {
        await using var connection = new SqlConnection(database.ConnectionString);
        await connection.OpenAsync(Token);
        SqlException e = await Assert.ThrowsAsync<SqlException>(() => connection.ExecuteAsync(sql));
        Assert.Matches("permission|must be owner", e.Message);
    }
}
