using System.Diagnostics.Metrics;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Queueing;
using FinanceIngest.Results;
using FinanceIngest.Scoring;
using FinanceIngest.Tests.Support;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Scoring;

/// <summary>A worker commits nothing for a message whose lease another worker holds by now, and commits the rest of the batch.</summary>
public sealed class LostLeaseTests : IDisposable
{
    private readonly ScoringHarness _system = new();
    private readonly MeterListener _listener = new();
    private readonly List<string> _stages = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public LostLeaseTests()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter == _system.Telemetry.Meter && instrument.Name == "finance_ingest.leases.lost")
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((_, _, tags, _) =>
        {
            lock (_stages)
            {
                _stages.Add((string)tags[0].Value!);
            }
        });
        _listener.Start();
    }

    [Fact]
    public async Task A_worker_that_was_frozen_before_its_write_writes_nothing_and_the_next_one_all()
    {
        Transaction transaction = _system.Transaction(1);
        await _system.SendAsync(transaction);
        _system.Inbound.OnExtend = Unanswered;
        long askedAt = _system.Time.GetTimestamp();
        IReadOnlyList<LeasedMessage> messages = await _system.Inbound.ReceiveAsync(32, Deadlines.Lease, Token);
        _system.Time.Advance(Deadlines.Lease);

        await _system.Processor.ProcessAsync(messages, askedAt, Token);

        Assert.Null(await _system.ResultAsync(transaction.Id));
        Assert.Equal((0, 0), (_system.Store.Loads, _system.Store.Writes));
        Assert.Equal(["commit"], _stages);

        _system.Inbound.OnExtend = (_, _) => null;
        Assert.Equal(1, await _system.ProcessAsync());
        Assert.Equal(TransactionStatus.Scored, (await _system.ResultAsync(transaction.Id))!.Status);
    }

    [Fact]
    public async Task A_worker_that_was_frozen_inside_the_transaction_rolls_back()
    {
        Transaction transaction = _system.Transaction(1);
        await _system.SendAsync(transaction);
        _system.Inbound.OnExtend = Unanswered;
        _system.Store.InsideWrite = () => _system.Time.Advance(Deadlines.Lease);

        await _system.ProcessAsync();

        Assert.Equal(1, _system.Store.Writes);
        Assert.Null(await _system.ResultAsync(transaction.Id));
        Assert.Equal(["commit"], _stages);
        Assert.Empty((await _system.Results.ReadFeedAsync(FeedCursor.Start, 100, default))!.Results);
        Assert.Equal(1, (await _system.Inbound.GetDepthAsync(Token)).Length);
    }

    [Fact]
    public async Task What_is_still_held_of_the_batch_is_scored_in_a_second_write()
    {
        Transaction[] transactions = [.. Enumerable.Range(1, 4).Select(i => _system.Transaction(i))];
        foreach (Transaction transaction in transactions)
        {
            await _system.SendAsync(transaction);
        }

        IReadOnlyList<LeasedMessage> messages = await _system.Inbound.ReceiveAsync(32, Deadlines.Lease, Token);
        var leases = new FakeLeases();
        LeasedMessage stranger = messages[2];
        _system.Store.InsideWrite = () => leases.Held = message => message != stranger;
        var deliveries = messages.Select(message => new EnvelopeReader(_system.Inbound.Name, _system.Ids).Read(message)).ToList();

        ScoringOutcome scored = await _system.Scorer.ScoreAsync(deliveries, leases, Token);

        Assert.Equal((1, 2), (_system.Store.Loads, _system.Store.Writes));
        Assert.Equal(messages.Where(message => message != stranger), scored.Deliveries.Select(delivery => delivery.Message));
        Assert.Equal(3, scored.Counts.Written);
        Assert.Null(await _system.ResultAsync(transactions[2].Id));
    }

    [Fact]
    public async Task A_message_that_is_gone_when_it_is_deleted_is_counted_and_no_failure()
    {
        Transaction transaction = _system.Transaction(1);
        await _system.SendAsync(transaction);
        _system.Inbound.OnDelete = () => Task.FromResult(false);

        await _system.ProcessAsync();

        Assert.Equal(TransactionStatus.Scored, (await _system.ResultAsync(transaction.Id))!.Status);
        Assert.Equal(["delete"], _stages);
    }

    [Fact]
    public async Task A_delete_that_the_queue_refuses_gives_the_message_back_visible_at_once()
    {
        Transaction transaction = _system.Transaction(1);
        await _system.SendAsync(transaction);
        _system.Inbound.OnDelete = () => throw new QueueUnavailableException("q", new IOException("503"));
        await Assert.ThrowsAsync<QueueUnavailableException>(_system.ProcessAsync);
        _system.Inbound.OnDelete = () => null;

        Assert.Equal(1, await _system.ProcessAsync());

        Assert.Empty(_stages);

        // The queue holds an alert marker, because a repeat may have been an anomaly.
        Assert.Equal(1, (await _system.Inbound.GetDepthAsync(Token)).Length);
        Assert.Equal(0, await _system.ProcessAsync());
    }

    [Fact]
    public async Task An_abandoned_batch_gives_back_all_messages_side_by_side_and_waits_for_a_slow_queue_three_seconds()
    {
        for (int i = 1; i <= 32; i++)
        {
            await _system.SendAsync(_system.Transaction(i));
        }

        int underWay = 0;
        _system.Inbound.OnExtend = async Task<bool>? (lease, token) =>
        {
            Assert.Equal(TimeSpan.Zero, lease);
            Interlocked.Increment(ref underWay);
            await Task.Delay(Timeout.InfiniteTimeSpan, token);
            return true;
        };
        _system.Store.OnLoad = new OperationCanceledException();

        Task work = _system.ProcessAsync();
        await Eventually.TrueAsync(() => Volatile.Read(ref underWay) == 32, Token);
        _system.Time.Advance(TimeSpan.FromSeconds(3));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => work);
    }

    public void Dispose()
    {
        _listener.Dispose();
        _system.Dispose();
    }

    private static Task<bool>? Unanswered(TimeSpan lease, CancellationToken cancellationToken) =>
        lease == TimeSpan.Zero ? null : throw new QueueUnavailableException("q", new IOException("500"));
}
