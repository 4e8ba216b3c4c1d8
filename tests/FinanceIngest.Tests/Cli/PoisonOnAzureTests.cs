using Azure.Storage.Queues;
using FinanceIngest.Ground;
using FinanceIngest.Poison;
using FinanceIngest.Queueing;
using FinanceIngest.Queueing.AzureStorage;
using FinanceIngest.Scoring;
using FinanceIngest.Storage.Sqlite;
using FinanceIngest.Tests.Support;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Cli;

/// <summary>Azure's queues count leased messages in their length and carry texts through XML. Putting a message back relies on both.</summary>
[Needs(Outside.Azurite)]
public sealed class PoisonOnAzureTests(AzuriteFixture azurite) : IDisposable
{
    private readonly IdCertifier _ids = new("a signing key", TimeProvider.System);
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Copies_go_others_stay_and_what_somebody_holds_keeps_the_record()
    {
        Queues queues = await CreateQueuesAsync();
        using var database = new SqliteDatabase(_folder.Path, TimeProvider.System, new DependencyStatus("database"));
        DateTime now = TimeProvider.System.UtcNowMicroseconds();

        // The message can be read, so it is put back as it is, with its markup, quotes and lines.
        string text = $$"""
            {"v": 1, "note": "<markup> & \"quotes\"",
             "transactions": [{"id": "{{_ids.NewId()}}", "user_id": 1, "category_id": 2, "amount": 3, "occurred_at": "2026-11-22T12:00:00Z",
              "accepted_at": "2026-11-22T12:00:00Z"}]}
            """;
        var message = new PoisonMessage("m1", "a reason", null, 1, null, text, now, now);
        await new SqliteScoringStore(database, TimeProvider.System).WriteAsync(new ScoredBatch([], [], [message]), Token);
        var poison = new PoisonOperations(new SqlitePoisonStore(database, TimeProvider.System), queues, _ids);
        await queues.Poison.SendAsync(text, TimeSpan.Zero, Token);
        LeasedMessage held = Assert.Single(await queues.Poison.ReceiveAsync(32, TimeSpan.FromMinutes(5), Token));
        await queues.Poison.SendAsync(text, TimeSpan.Zero, Token);
        await queues.Poison.SendAsync("another", TimeSpan.Zero, Token);

        Assert.Equal(["m1"], (await poison.RedriveAsync(["m1"], Token)).Unfinished);
        Assert.True(await held.TryExtendAsync(TimeSpan.Zero, Token));
        Assert.Equal(["m1"], (await poison.RedriveAsync(["m1"], Token)).Done);

        Assert.Equal([text, text], await queues.Inbound.PeekAsync(32, Token));
        Assert.Equal(["another"], await queues.Poison.PeekAsync(32, Token));
        Assert.Equal(1, (await poison.RedriveAllAsync(Token)).DoneWithoutRecord);
        Assert.Equal(0, (await queues.Poison.GetDepthAsync(Token)).Length);
    }

    public void Dispose() => _folder.Dispose();

    private async Task<Queues> CreateQueuesAsync()
    {
        string connectionString = await azurite.ConnectionStringAsync();
        string prefix = $"test-{Guid.NewGuid():N}";
        var options = new QueueClientOptions { MessageEncoding = QueueMessageEncoding.None };
        AzureMessageQueue Create(string name) => new(new QueueClient(connectionString, $"{prefix}-{name}", options), new DependencyStatus(name));
        var queues = new Queues(Create("inbound"), Create("poison"), Create("alerts"));
        await queues.EnsureExistAsync(Token);
        return queues;
    }
}
