using FinanceIngest.Queueing;

namespace FinanceIngest.Fuzz.Api;

/// <summary>A queue that accepts every message and keeps the texts until <see cref="Take"/>.</summary>
internal sealed class FuzzQueue(string name) : IMessageQueue
{
    private readonly Lock _gate = new();
    private readonly List<string> _texts = [];

    /// <inheritdoc/>
    public string Name => name;

    /// <summary>Returns the texts that were sent since the last call.</summary>
    public IReadOnlyList<string> Take()
    {
        lock (_gate)
        {
            string[] texts = [.. _texts];
            _texts.Clear();
            return texts;
        }
    }

    /// <inheritdoc/>
    public Task<LeasedMessage> SendAsync(MessageBody body, TimeSpan visibilityDelay, CancellationToken cancellationToken)
    {
        string text = body.Text;
        Engine.Property.Holds(text.Length <= MessageText.MaximumLength, "a message fits into the queue", $"{text.Length} characters");
        lock (_gate)
        {
            _texts.Add(text);
        }

        return Task.FromResult<LeasedMessage>(new FuzzMessage { Id = "1", Body = body, InsertedAt = InstantTime.Now.UtcDateTime, DequeueCount = 0 });
    }

    /// <inheritdoc/>
    public Task EnsureExistsAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task<IReadOnlyList<LeasedMessage>> ReceiveAsync(int maximum, TimeSpan lease, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<LeasedMessage>>([]);

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> PeekAsync(int maximum, CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<string>>([]);

    /// <inheritdoc/>
    public Task<QueueDepth> GetDepthAsync(CancellationToken cancellationToken) => Task.FromResult(new QueueDepth(0, null));

    /// <inheritdoc/>
    public Task ProbeAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

/// <summary>A message under a lease that never ends.</summary>
internal sealed class FuzzMessage : LeasedMessage
{
    /// <inheritdoc/>
    public override Task<bool> TryDeleteAsync(CancellationToken cancellationToken) => Task.FromResult(true);

    /// <inheritdoc/>
    public override Task<bool> TryExtendAsync(TimeSpan lease, CancellationToken cancellationToken) => Task.FromResult(true);
}
