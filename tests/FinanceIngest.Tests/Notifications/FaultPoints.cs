using FinanceIngest.Notifications;
using FinanceIngest.Notifications.Channels;
using FinanceIngest.Notifications.Deliveries;
using FinanceIngest.Queueing;

namespace FinanceIngest.Tests.Notifications;

/// <summary>
/// Ends a process between two of its steps. Each use of the queue, of the store and of a channel has a point before it and one behind it; at the chosen point,
/// and at every later one, the process does nothing more.
/// </summary>
internal sealed class FaultPoints(int at)
{
    private int _passed;

    public bool IsDead => Volatile.Read(ref _passed) > at;

    /// <summary>The names of the points that were passed, for a test that fails.</summary>
    public List<string> Passed { get; } = [];

    public async Task<T> RunAsync<T>(string step, Func<Task<T>> work)
    {
        Pass($"before {step}");
        T result = await work();
        Pass($"after {step}");
        return result;
    }

    public Task RunAsync(string step, Func<Task> work) => RunAsync(step, async () =>
    {
        await work();
        return 0;
    });

    private void Pass(string point)
    {
        lock (Passed)
        {
            Passed.Add(point);
            if (++_passed > at)
            {
                throw new EndOfProcessException();
            }
        }
    }
}

/// <summary>Stands for the end of the process; no code of the system catches it by name.</summary>
internal sealed class EndOfProcessException() : Exception("The process has ended.");

internal sealed class MortalStore(IDeliveryStore store, FaultPoints points) : IDeliveryStore
{
    public Task<int> AddAsync(IReadOnlyCollection<NewDelivery> deliveries, CancellationToken cancellationToken) =>
        points.RunAsync("add", () => store.AddAsync(deliveries, cancellationToken));

    public Task<CircuitState?> ClaimChannelAsync(string channel, Guid owner, TimeSpan lease, CancellationToken cancellationToken) =>
        points.RunAsync("claim", () => store.ClaimChannelAsync(channel, owner, lease, cancellationToken));

    public Task ReleaseChannelAsync(string channel, Guid owner, CircuitState circuit, string? error, CancellationToken cancellationToken) =>
        points.RunAsync("release", () => store.ReleaseChannelAsync(channel, owner, circuit, error, cancellationToken));

    public Task<IReadOnlyList<HeldGroup>> ReadHeldAsync(string channel, int addresses, int alerts, int recent, CancellationToken cancellationToken) =>
        points.RunAsync("read held", () => store.ReadHeldAsync(channel, addresses, alerts, recent, cancellationToken));

    public Task<bool> AssembleAsync(string channel, Guid owner, Assembly assembly, CancellationToken cancellationToken) =>
        points.RunAsync("assemble", () => store.AssembleAsync(channel, owner, assembly, cancellationToken));

    public Task<IReadOnlyList<DueMessage>> ReadDueAsync(string channel, int maximum, CancellationToken cancellationToken) =>
        points.RunAsync("read due", () => store.ReadDueAsync(channel, maximum, cancellationToken));

    public Task SettleAsync(string channel, IReadOnlyCollection<Settlement> settlements, CancellationToken cancellationToken) =>
        points.RunAsync("settle", () => store.SettleAsync(channel, settlements, cancellationToken));

    public Task<DateTime?> NextDueAsync(string channel, CancellationToken cancellationToken) =>
        points.RunAsync("next due", () => store.NextDueAsync(channel, cancellationToken));

    public Task<IReadOnlyList<ChannelCounts>> CountAsync(CancellationToken cancellationToken) => store.CountAsync(cancellationToken);

    public Task<IReadOnlyList<DeliveryRecord>> ListAsync(DeliveryFilter filter, int maximum, CancellationToken cancellationToken) =>
        store.ListAsync(filter, maximum, cancellationToken);

    public Task<int> SendAgainAsync(IReadOnlyCollection<long> rows, DateTime giveUpAt, CancellationToken cancellationToken) =>
        store.SendAgainAsync(rows, giveUpAt, cancellationToken);

    public Task<int> RemoveFinishedAsync(DateTime before, CancellationToken cancellationToken) => store.RemoveFinishedAsync(before, cancellationToken);
}

internal sealed class MortalQueue(IMessageQueue queue, FaultPoints points) : IMessageQueue
{
    public string Name => queue.Name;

    public Task EnsureExistsAsync(CancellationToken cancellationToken) => queue.EnsureExistsAsync(cancellationToken);

    public Task<LeasedMessage> SendAsync(MessageBody body, TimeSpan visibilityDelay, CancellationToken cancellationToken) =>
        points.RunAsync("send", () => queue.SendAsync(body, visibilityDelay, cancellationToken));

    public async Task<IReadOnlyList<LeasedMessage>> ReceiveAsync(int maximum, TimeSpan lease, CancellationToken cancellationToken) =>
        [.. (await points.RunAsync("receive", () => queue.ReceiveAsync(maximum, lease, cancellationToken))).Select(message => new MortalLease(message, points)
        {
            Id = message.Id, Body = message.Body, InsertedAt = message.InsertedAt, DequeueCount = message.DequeueCount,
        })];

    public Task<IReadOnlyList<string>> PeekAsync(int maximum, CancellationToken cancellationToken) => queue.PeekAsync(maximum, cancellationToken);

    public Task<QueueDepth> GetDepthAsync(CancellationToken cancellationToken) => queue.GetDepthAsync(cancellationToken);

    public Task ProbeAsync(CancellationToken cancellationToken) => queue.ProbeAsync(cancellationToken);

    private sealed class MortalLease(LeasedMessage message, FaultPoints points) : LeasedMessage
    {
        public override Task<bool> TryDeleteAsync(CancellationToken cancellationToken) =>
            points.RunAsync("delete", () => message.TryDeleteAsync(cancellationToken));

        public override Task<bool> TryExtendAsync(TimeSpan lease, CancellationToken cancellationToken) =>
            points.RunAsync("extend", () => message.TryExtendAsync(lease, cancellationToken));
    }
}

internal sealed class MortalChannel(INotificationChannel channel, FaultPoints points) : INotificationChannel
{
    public int Concurrency => 1;

    public Task<SendOutcome> SendAsync(Notification notification, CancellationToken cancellationToken) =>
        points.RunAsync("notify", () => channel.SendAsync(notification, cancellationToken));

    public Task RestAsync() => points.RunAsync("rest", channel.RestAsync);

    public ValueTask DisposeAsync() => channel.DisposeAsync();
}

/// <summary>A channel that keeps what it is told, and answers as the test says.</summary>
internal sealed class RecordingChannel : INotificationChannel
{
    private readonly Lock _gate = new();

    public int Concurrency { get; init; } = 4;

    public Func<Notification, SendOutcome> OnSend { get; set; } = _ => SendOutcome.Delivered;

    public List<Notification> Attempts { get; } = [];

    public List<Notification> Told { get; } = [];

    public Task<SendOutcome> SendAsync(Notification notification, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            Attempts.Add(notification);
            SendOutcome outcome = OnSend(notification);
            if (outcome.Result == SendResult.Delivered)
            {
                Told.Add(notification);
            }

            return Task.FromResult(outcome);
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
