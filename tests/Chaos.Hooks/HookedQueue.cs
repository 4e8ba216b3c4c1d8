using System.Diagnostics.CodeAnalysis;
using FinanceIngest.Alerts;
using FinanceIngest.Queueing;
using FinanceIngest.Scoring;

namespace FinanceIngest.Chaos.Hooks;

/// <summary>
/// A queue with the points NAME.send.before, NAME.send.after, NAME.receive.after, NAME.delete.before and NAME.delete.after. NAME is <c>marker</c> for the
/// marker of unsent alerts.
/// </summary>
internal sealed class HookedQueue(IMessageQueue queue, string name, Control control) : IMessageQueue, IDisposable
{
    public string Name => queue.Name;

    public Task EnsureExistsAsync(CancellationToken cancellationToken) => queue.EnsureExistsAsync(cancellationToken);

    public async Task<LeasedMessage> SendAsync(MessageBody body, TimeSpan visibilityDelay, CancellationToken cancellationToken)
    {
        string kind = KindOf(body.Text);
        control.Reach($"{kind}.send.before");
        LeasedMessage sent = await queue.SendAsync(body, visibilityDelay, cancellationToken);
        control.Reach($"{kind}.send.after");
        return new HookedLease(sent, kind, control);
    }

    public async Task<IReadOnlyList<LeasedMessage>> ReceiveAsync(int maximum, TimeSpan lease, CancellationToken cancellationToken)
    {
        IReadOnlyList<LeasedMessage> received = await queue.ReceiveAsync(maximum, lease, cancellationToken);
        if (received.Count > 0)
        {
            control.Reach($"{name}.receive.after");
        }

        foreach (LeasedMessage message in received)
        {
            // The worker reads a batch right after it receives it. A child process reads suspects (see DeadlyInput).
            if (message.DequeueCount <= BatchProcessor.SuspectAfter && control.IsDeadly(message.Text))
            {
                control.DieAlone("read of a deadly message in a batch");
            }
        }

        return [.. received.Select(message => new HookedLease(message, KindOf(message.Text), control))];
    }

    public Task<IReadOnlyList<string>> PeekAsync(int maximum, CancellationToken cancellationToken) => queue.PeekAsync(maximum, cancellationToken);

    public Task<QueueDepth> GetDepthAsync(CancellationToken cancellationToken) => queue.GetDepthAsync(cancellationToken);

    public Task ProbeAsync(CancellationToken cancellationToken) => queue.ProbeAsync(cancellationToken);

    public void Dispose() => (queue as IDisposable)?.Dispose();

    private string KindOf(string text) => text == AlertMarker.Text ? "marker" : name;

    private sealed class HookedLease : LeasedMessage
    {
        private readonly LeasedMessage _message;
        private readonly string _kind;
        private readonly Control _control;

        [SetsRequiredMembers]
        public HookedLease(LeasedMessage message, string kind, Control control)
        {
            _message = message;
            _kind = kind;
            _control = control;
            Id = message.Id;
            Body = message.Body;
            InsertedAt = message.InsertedAt;
            DequeueCount = message.DequeueCount;
        }

        public override async Task<bool> TryDeleteAsync(CancellationToken cancellationToken)
        {
            _control.Reach($"{_kind}.delete.before");
            bool deleted = await _message.TryDeleteAsync(cancellationToken);
            _control.Reach($"{_kind}.delete.after");
            return deleted;
        }

        public override Task<bool> TryExtendAsync(TimeSpan lease, CancellationToken cancellationToken) => _message.TryExtendAsync(lease, cancellationToken);
    }
}
