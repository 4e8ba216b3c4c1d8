using FinanceIngest.Ground;
using FinanceIngest.Queueing;
using FinanceIngest.Scoring;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Scoring;

public sealed class BatchReceiverTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_batch_grows_with_the_backlog_and_shrinks_with_it()
    {
        var queue = new BacklogQueue(backlog: 32 * 20, length: 300);
        var receiver = new BatchReceiver(queue, TimeSpan.FromSeconds(25));

        var sizes = new List<int>();
        while (queue.Backlog > 0)
        {
            sizes.Add((await receiver.ReceiveAsync(Token)).Count);
        }

        Assert.Equal([32, 64, 128, 256, 160], sizes);
        queue.Backlog = 3;
        Assert.Equal(3, (await receiver.ReceiveAsync(Token)).Count);
        int calls = queue.Calls;
        Assert.Empty(await receiver.ReceiveAsync(Token));
        Assert.Equal(calls + 1, queue.Calls);
    }

    [Fact]
    public async Task Large_messages_are_not_received_side_by_side()
    {
        var queue = new BacklogQueue(backlog: 32 * 4, MessageText.MaximumLength);
        var receiver = new BatchReceiver(queue, TimeSpan.FromSeconds(25));

        var sizes = new List<int>();
        while (queue.Backlog > 0)
        {
            sizes.Add((await receiver.ReceiveAsync(Token)).Count);
        }

        // The first batch measures the messages; each later one takes about a mebibyte, also after a pause.
        Assert.Equal([32, 16, 16, 16, 16, 16, 16], sizes);
        Assert.Empty(await receiver.ReceiveAsync(Token));
        queue.Backlog = 100;
        Assert.Equal(16, (await receiver.ReceiveAsync(Token)).Count);
    }

    [Fact]
    public async Task Large_messages_that_are_packed_come_by_the_full_call_and_no_more()
    {
        var envelope = new EnvelopeBuilder(null);
        var ids = new IdCertifier("a signing key", TimeProvider.System);
        while (envelope.TryAdd(new Transaction(ids.NewId(), 399, 2310, new Money(1), DateTime.UnixEpoch, DateTime.UnixEpoch)))
        {
        }

        var queue = new BacklogQueue(backlog: 32 * 3, 0) { Body = MessageBody.Unpack(envelope.ToBody().Packed!) };
        var receiver = new BatchReceiver(queue, TimeSpan.FromSeconds(25));

        for (int call = 0; call < 3; call++)
        {
            Assert.Equal(32, (await receiver.ReceiveAsync(Token)).Count);
        }
    }

    [Fact]
    public async Task Small_messages_after_large_ones_are_received_by_the_full_call_again()
    {
        var queue = new BacklogQueue(backlog: 48, MessageText.MaximumLength);
        var receiver = new BatchReceiver(queue, TimeSpan.FromSeconds(25));
        await receiver.ReceiveAsync(Token);
        await receiver.ReceiveAsync(Token);
        queue.Body = "small";
        queue.Backlog = 1000;

        Assert.Equal(16, (await receiver.ReceiveAsync(Token)).Count);
        Assert.Equal(64, (await receiver.ReceiveAsync(Token)).Count);
    }

    [Fact]
    public async Task What_some_calls_received_is_not_lost_when_another_fails()
    {
        var queue = new BacklogQueue(backlog: 32 * 20, length: 300);
        var receiver = new BatchReceiver(queue, TimeSpan.FromSeconds(25));
        await receiver.ReceiveAsync(Token);
        queue.FailingCalls = 1;

        Assert.Equal(32, (await receiver.ReceiveAsync(Token)).Count);
        queue.FailingCalls = 99;
        await Assert.ThrowsAsync<QueueUnavailableException>(() => receiver.ReceiveAsync(Token));
    }

    private sealed class BacklogQueue(int backlog, int length) : IMessageQueue
    {
        public MessageBody Body { get; set; } = new string('x', length);

        public int Backlog { get; set; } = backlog;

        public int FailingCalls { get; set; }

        public int Calls { get; private set; }

        public string Name => "backlog";

        public Task<IReadOnlyList<LeasedMessage>> ReceiveAsync(int maximum, TimeSpan lease, CancellationToken cancellationToken)
        {
            Calls++;
            if (FailingCalls-- > 0)
            {
                return Task.FromException<IReadOnlyList<LeasedMessage>>(new QueueUnavailableException(Name, new IOException("down")));
            }

            int count = Math.Min(maximum, Backlog);
            Backlog -= count;
            return Task.FromResult<IReadOnlyList<LeasedMessage>>([.. Enumerable.Range(0, count).Select(i => new Message
            {
                Id = $"{Backlog}-{i}", Body = Body, InsertedAt = DateTime.UnixEpoch, DequeueCount = 1,
            })]);
        }

        public Task EnsureExistsAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<LeasedMessage> SendAsync(MessageBody body, TimeSpan visibilityDelay, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public Task<IReadOnlyList<string>> PeekAsync(int maximum, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<QueueDepth> GetDepthAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task ProbeAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

        private sealed class Message : LeasedMessage
        {
            public override Task<bool> TryDeleteAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

            public override Task<bool> TryExtendAsync(TimeSpan lease, CancellationToken cancellationToken) => throw new NotSupportedException();
        }
    }
}
