using Azure.Storage.Queues;
using FinanceIngest.Ground;
using FinanceIngest.Queueing;
using FinanceIngest.Queueing.AzureStorage;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Queueing;

[Needs(Outside.Azurite)]
public sealed class AzureQueueTests(AzuriteFixture azurite) : QueueContractTests
{
    [Fact]
    public async Task A_queue_removed_under_its_sender_is_made_again()
    {
        QueueClient client = Client(await azurite.ConnectionStringAsync());
        var queue = new AzureMessageQueue(client, new DependencyStatus("queue"));
        await queue.EnsureExistsAsync(default);
        await client.DeleteAsync();

        await queue.SendAsync("one", TimeSpan.Zero, default);

        Assert.Single(await queue.ReceiveAsync(32, TimeSpan.FromSeconds(30), default));
    }

    [Fact]
    public async Task A_message_never_expires()
    {
        QueueClient client = Client(await azurite.ConnectionStringAsync());
        var queue = new AzureMessageQueue(client, new DependencyStatus("queue"));
        await queue.EnsureExistsAsync(default);
        await queue.SendAsync("one", TimeSpan.Zero, default);

        Assert.True((await client.PeekMessageAsync()).Value.ExpiresOn > DateTimeOffset.UtcNow.AddYears(50));
    }

    [Fact]
    public async Task A_service_that_does_not_answer_is_an_outage_with_the_queues_name()
    {
        var options = new QueueClientOptions();
        options.Retry.MaxRetries = 0;
        var status = new DependencyStatus("queue");
        var queue = new AzureMessageQueue(
            new QueueClient("DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YQ==;QueueEndpoint=http://127.0.0.1:9/a;", "nowhere", options), status);

        QueueUnavailableException e = await Assert.ThrowsAsync<QueueUnavailableException>(() => queue.SendAsync("one", TimeSpan.Zero, default));

        Assert.Contains("'nowhere'", e.Message, StringComparison.Ordinal);
        Assert.False(status.IsOk);
    }

    protected override async Task<IMessageQueue> CreateAsync()
    {
        var queue = new AzureMessageQueue(Client(await azurite.ConnectionStringAsync()), new DependencyStatus("queue"));
        await queue.EnsureExistsAsync(default);
        return queue;
    }

    // Azurite reads the machine's clock, so the test has to wait.
    protected override Task PassAsync(TimeSpan time) => Task.Delay(time);

    private static QueueClient Client(string connectionString) =>
        new(connectionString, $"test-{Guid.NewGuid():N}", new QueueClientOptions { MessageEncoding = QueueMessageEncoding.None });
}
