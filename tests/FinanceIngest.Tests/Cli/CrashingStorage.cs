using FinanceIngest.Ground;
using FinanceIngest.Poison;
using FinanceIngest.Queueing;

namespace FinanceIngest.Tests.Cli;

/// <summary>Simulates a process that dies just before or just after its n-th effect. Every later effect fails.</summary>
internal sealed class Crash(int at, bool afterwards)
{
    private int _effects;

    /// <summary>Whether the process has died.</summary>
    public bool Happened { get; private set; }

    public async Task<T> RunAsync<T>(string queue, Func<Task<T>> effect)
    {
        ThrowIfDead(queue);
        bool now = ++_effects == at;
        if (now && !afterwards)
        {
            Happened = true;
        }

        ThrowIfDead(queue);
        T result = await effect();
        Happened |= now;
        ThrowIfDead(queue);
        return result;
    }

    public void ThrowIfDead(string queue)
    {
        if (Happened)
        {
            throw new QueueUnavailableException(queue, new IOException("the process died"));
        }
    }
}

/// <summary>A queue whose calls fail once the process has died.</summary>
internal sealed class CrashingQueue(IMessageQueue queue, Crash crash) : IMessageQueue
{
    public string Name => queue.Name;

    public Task EnsureExistsAsync(CancellationToken cancellationToken) => queue.EnsureExistsAsync(cancellationToken);

    public Task<LeasedMessage> SendAsync(MessageBody body, TimeSpan visibilityDelay, CancellationToken cancellationToken) =>
        crash.RunAsync(Name, () => queue.SendAsync(body, visibilityDelay, cancellationToken));

    public async Task<IReadOnlyList<LeasedMessage>> ReceiveAsync(int maximum, TimeSpan lease, CancellationToken cancellationToken)
    {
        IReadOnlyList<LeasedMessage> messages = await crash.RunAsync(Name, () => queue.ReceiveAsync(maximum, lease, cancellationToken));
        return [.. messages.Select(Leased)];

        CrashingLease Leased(LeasedMessage message) => new(Name, message, crash)
        {
            Id = message.Id,
            Body = message.Body,
            InsertedAt = message.InsertedAt,
            DequeueCount = message.DequeueCount,
        };
    }

    public Task<IReadOnlyList<string>> PeekAsync(int maximum, CancellationToken cancellationToken) => queue.PeekAsync(maximum, cancellationToken);

    public Task<QueueDepth> GetDepthAsync(CancellationToken cancellationToken) => queue.GetDepthAsync(cancellationToken);

    public Task ProbeAsync(CancellationToken cancellationToken) => queue.ProbeAsync(cancellationToken);

    private sealed class CrashingLease(string queue, LeasedMessage message, Crash crash) : LeasedMessage
    {
        public override Task<bool> TryDeleteAsync(CancellationToken cancellationToken) =>
            crash.RunAsync(queue, () => message.TryDeleteAsync(cancellationToken));

        public override Task<bool> TryExtendAsync(TimeSpan lease, CancellationToken cancellationToken) =>
            crash.RunAsync(queue, () => message.TryExtendAsync(lease, cancellationToken));
    }
}

/// <summary>A store of poison messages whose calls fail once the process has died.</summary>
internal sealed class CrashingPoisonStore(IPoisonStore store, Crash crash) : IPoisonStore
{
    public Task<int> CountAttemptAsync(string messageId, string error, CancellationToken cancellationToken) =>
        store.CountAttemptAsync(messageId, error, cancellationToken);

    public Task<IReadOnlyList<PoisonSummary>> ListPageAsync(PoisonPlace? after, int limit, CancellationToken cancellationToken) =>
        store.ListPageAsync(after, limit, cancellationToken);

    public Task<IReadOnlyList<PoisonMessage>> ReadPageAsync(PoisonPlace? after, int limit, CancellationToken cancellationToken) =>
        store.ReadPageAsync(after, limit, cancellationToken);

    public Task<PoisonMessage?> FindAsync(string messageId, CancellationToken cancellationToken) => store.FindAsync(messageId, cancellationToken);

    public Task<bool> RemoveAsync(string messageId, CancellationToken cancellationToken) =>
        crash.RunAsync("table", () => store.RemoveAsync(messageId, cancellationToken));

    public Task<bool> ReplaceBodyAsync(string messageId, IReadOnlyList<string> bodies, CancellationToken cancellationToken) =>
        crash.RunAsync("table", () => store.ReplaceBodyAsync(messageId, bodies, cancellationToken));
}
