using FinanceIngest.Alerts;
using FinanceIngest.Baselines;
using FinanceIngest.Ground;
using FinanceIngest.Queueing;
using FinanceIngest.Results;
using FinanceIngest.Scoring;

namespace FinanceIngest.Tests.Support;

/// <summary>A store whose writes fail when the test says so, either before the real write or after it has committed.</summary>
internal sealed class FaultingScoringStore(IScoringStore store) : IScoringStore
{
    public Func<ScoredBatch, Exception?> BeforeWrite { get; set; } = _ => null;

    public Func<ScoredBatch, Exception?> AfterWrite { get; set; } = _ => null;

    public Exception? OnLoad { get; set; }

    /// <summary>Runs inside the store's transaction, after all rows have been written.</summary>
    public Action? InsideWrite { get; set; }

    public int Loads { get; private set; }

    public int Writes { get; private set; }

    public static Exception Outage { get; } = new StoreUnavailableException(new IOException("the database is down"));

    public Task<LoadedBaselines> LoadBaselinesAsync(IReadOnlyCollection<BaselineKey> keys, CancellationToken cancellationToken)
    {
        Loads++;
        return OnLoad is { } fault ? throw fault : store.LoadBaselinesAsync(keys, cancellationToken);
    }

    public async Task<WriteCounts> WriteAsync(ScoredBatch batch, CancellationToken cancellationToken)
    {
        Writes++;
        if (BeforeWrite(batch) is { } before)
        {
            throw before;
        }

        ScoredBatch written = InsideWrite is { } inside ? batch with { Alerts = new LastList(batch.Alerts, inside) } : batch;
        WriteCounts counts = await store.WriteAsync(written, cancellationToken);
        return AfterWrite(batch) is { } after ? throw after : counts;
    }

    public async Task<LearnedRows> LearnAsync(LearningWork work, CancellationToken cancellationToken)
    {
        Loads++;
        Writes++;
        if (OnLoad is { } fault)
        {
            throw fault;
        }

        ScoredBatch? written = null;
        LearnedRows rows = await store.LearnAsync(
            work with
            {
                Score = (known, users) =>
                {
                    ScoredBatch batch = work.Score(known, users);
                    if (BeforeWrite(batch) is { } before)
                    {
                        throw before;
                    }

                    written = batch;
                    return InsideWrite is { } inside ? batch with { Alerts = new LastList(batch.Alerts, inside) } : batch;
                },
            },
            cancellationToken);
        return written is not null && AfterWrite(written) is { } after ? throw after : rows;
    }

    /// <summary>A list of alerts that announces when the store reads it, which the store does after writing its rows.</summary>
    private sealed class LastList(IReadOnlyList<NewAlert> alerts, Action onRead) : IReadOnlyList<NewAlert>
    {
        public int Count => alerts.Count;

        public NewAlert this[int index] => alerts[index];

        public IEnumerator<NewAlert> GetEnumerator()
        {
            onRead();
            return alerts.GetEnumerator();
        }

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
    }

    /// <summary>Makes every write fail that contains this amount, with an exception that is no outage.</summary>
    public void FailOnAmount(long units) => BeforeWrite = batch =>
        batch.Results.Any(result => result.Status == TransactionStatus.Scored && result.Amount?.Units == units)
            ? new ArithmeticException("this amount can't be written")
            : null;
}

/// <summary>A queue that is down when the test says so.</summary>
internal sealed class FaultingQueue(IMessageQueue queue) : IMessageQueue
{
    /// <summary>The queue itself, which is never down.</summary>
    public IMessageQueue Behind => queue;

    public bool IsDown { get; set; }

    public int Sends { get; private set; }

    /// <summary>Runs when a send arrives.</summary>
    public Action OnSend { get; set; } = () => { };

    /// <summary>The task that every send awaits.</summary>
    public Task Hold { get; set; } = Task.CompletedTask;

    public string Name => queue.Name;

    public Task EnsureExistsAsync(CancellationToken cancellationToken) => Up().EnsureExistsAsync(cancellationToken);

    public async Task<LeasedMessage> SendAsync(MessageBody body, TimeSpan visibilityDelay, CancellationToken cancellationToken)
    {
        Sends++;
        OnSend();
        await Hold;
        return IsDown ? throw Down() : await queue.SendAsync(body, visibilityDelay, cancellationToken);
    }

    /// <summary>Returns what answers the extension of a lease instead of the queue; null when the queue answers.</summary>
    public Func<TimeSpan, CancellationToken, Task<bool>?> OnExtend { get; set; } = (_, _) => null;

    /// <summary>Returns what answers a delete instead of the queue; null when the queue answers.</summary>
    public Func<Task<bool>?> OnDelete { get; set; } = () => null;

    public async Task<IReadOnlyList<LeasedMessage>> ReceiveAsync(int maximum, TimeSpan lease, CancellationToken cancellationToken) =>
        [.. (await Up().ReceiveAsync(maximum, lease, cancellationToken)).Select(message => new FaultingLease(this, message)
        {
            Id = message.Id, Body = message.Body, InsertedAt = message.InsertedAt, DequeueCount = message.DequeueCount,
        })];

    public Task<IReadOnlyList<string>> PeekAsync(int maximum, CancellationToken cancellationToken) => Up().PeekAsync(maximum, cancellationToken);

    /// <summary>How many times the queue's length was requested.</summary>
    public int DepthLooks { get; private set; }

    public Task<QueueDepth> GetDepthAsync(CancellationToken cancellationToken)
    {
        DepthLooks++;
        return Up().GetDepthAsync(cancellationToken);
    }

    public Task<TransactionCount?> CountTransactionsAsync(CancellationToken cancellationToken) => Up().CountTransactionsAsync(cancellationToken);

    public Task ProbeAsync(CancellationToken cancellationToken) => Up().ProbeAsync(cancellationToken);

    private sealed class FaultingLease(FaultingQueue queue, LeasedMessage message) : LeasedMessage
    {
        public override Task<bool> TryDeleteAsync(CancellationToken cancellationToken) => queue.OnDelete() ?? message.TryDeleteAsync(cancellationToken);

        public override Task<bool> TryExtendAsync(TimeSpan lease, CancellationToken cancellationToken) =>
            queue.OnExtend(lease, cancellationToken) ?? message.TryExtendAsync(lease, cancellationToken);
    }

    private IMessageQueue Up() => IsDown ? throw Down() : queue;

    private QueueUnavailableException Down() => new(queue.Name, new IOException("the queue is down"));
}

/// <summary>An outbox that fails to mark alerts as sent when the test says so.</summary>
internal sealed class FaultingOutbox(IAlertOutbox outbox) : IAlertOutbox
{
    /// <summary>The exception that marking throws; null when marking succeeds.</summary>
    public Exception? MarkFailure { get; set; }

    /// <summary>How many times alerts were claimed.</summary>
    public int Claims { get; private set; }

    public Task<IReadOnlyList<ClaimedAlert>> ClaimAsync(Guid owner, int maximum, TimeSpan lease, CancellationToken cancellationToken)
    {
        Claims++;
        return outbox.ClaimAsync(owner, maximum, lease, cancellationToken);
    }

    /// <summary>Runs before alerts are marked as sent.</summary>
    public Func<Task> OnMark { get; set; } = () => Task.CompletedTask;

    public async Task<int> MarkSentAsync(Guid owner, IReadOnlyCollection<Guid> alertIds, CancellationToken cancellationToken)
    {
        await OnMark();
        return MarkFailure is { } failure ? throw failure : await outbox.MarkSentAsync(owner, alertIds, cancellationToken);
    }

    public Task ReleaseAsync(Guid owner, IReadOnlyCollection<Guid> alertIds, CancellationToken cancellationToken) =>
        outbox.ReleaseAsync(owner, alertIds, cancellationToken);

    public Task<long> CountUnsentAsync(CancellationToken cancellationToken) => outbox.CountUnsentAsync(cancellationToken);

    public Task<int> RemoveSentAsync(DateTime before, CancellationToken cancellationToken) => outbox.RemoveSentAsync(before, cancellationToken);
}
