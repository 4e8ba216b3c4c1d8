using FinanceIngest.Ground;
using FinanceIngest.Queueing;
using FinanceIngest.Queueing.Embedded;
using FinanceIngest.Tests.Support;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Time.Testing;

namespace FinanceIngest.Tests.Queueing;

public sealed class EmbeddedQueueTests : QueueContractTests, IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);
    private readonly List<EmbeddedQueue> _queues = [];

    [Fact]
    public async Task Messages_outlive_the_process_that_sent_them()
    {
        EmbeddedQueue before = Open("kept");
        await before.SendAsync("one", TimeSpan.Zero, default);
        before.Dispose();

        Assert.Equal("one", Assert.Single(await Open("kept").ReceiveAsync(32, TimeSpan.FromSeconds(30), default)).Text);
    }

    [Fact]
    public async Task Two_programs_on_one_file_share_its_messages_without_sharing_any_of_them()
    {
        EmbeddedQueue one = Open("shared");
        EmbeddedQueue other = Open("shared");
        await Task.WhenAll(Enumerable.Range(0, 200).Select(i => (i % 2 == 0 ? one : other).SendAsync($"message {i}", TimeSpan.Zero, default)));

        IReadOnlyList<LeasedMessage>[] received = await Task.WhenAll(
            Enumerable.Range(0, 20).Select(i => (i % 2 == 0 ? one : other).ReceiveAsync(10, TimeSpan.FromSeconds(30), default)));

        Assert.Equal(200, received.SelectMany(messages => messages).Select(message => message.Id).Distinct().Count());
        Assert.Equal(200, received.Sum(messages => messages.Count));
    }

    [Fact]
    public async Task A_folder_that_cannot_be_used_is_an_outage_and_nothing_is_pretended()
    {
        string file = Path.Combine(_folder.Path, "not-a-folder");
        await File.WriteAllTextAsync(file, "");
        var status = new DependencyStatus("queue");
        using var queue = new EmbeddedQueue(file, "inbound", _time, status);

        await Assert.ThrowsAsync<QueueUnavailableException>(() => queue.SendAsync("one", TimeSpan.Zero, default));
        await Assert.ThrowsAsync<QueueUnavailableException>(() => queue.ProbeAsync(default));
        Assert.False(status.IsOk);
    }

    [Fact]
    public async Task Sends_to_a_queue_that_another_process_has_locked_fail_together()
    {
        EmbeddedQueue before = Open("locked");
        await before.EnsureExistsAsync(default);
        using var other = new SqliteConnection($"Data Source={Path.Combine(_folder.Path, "queue-locked.db")};Pooling=False");
        other.Open();
        using SqliteCommand begin = other.CreateCommand();
        begin.CommandText = "BEGIN IMMEDIATE";
        begin.ExecuteNonQuery();

        // The queue belongs to a program that starts while another holds the lock. Sends that waited one after another would take some five seconds each.
        EmbeddedQueue queue = Open("locked");
        Task[] sends = [.. Enumerable.Range(0, 16).Select(i => queue.SendAsync($"message {i}", TimeSpan.Zero, default))];
        await Task.WhenAll(sends).ContinueWith(_ => { }, TaskScheduler.Default).WaitAsync(TimeSpan.FromSeconds(40));

        Assert.All(sends, send => Assert.IsType<QueueUnavailableException>(send.Exception!.InnerException));
    }

    public void Dispose()
    {
        _queues.ForEach(queue => queue.Dispose());
        _folder.Dispose();
    }

    protected override Task<IMessageQueue> CreateAsync() => Task.FromResult<IMessageQueue>(Open("queue"));

    protected override Task PassAsync(TimeSpan time)
    {
        _time.Advance(time);
        return Task.CompletedTask;
    }

    private EmbeddedQueue Open(string name)
    {
        var queue = new EmbeddedQueue(_folder.Path, name, _time, new DependencyStatus("queue"));
        _queues.Add(queue);
        return queue;
    }
}
