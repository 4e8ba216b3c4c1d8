using System.Text.Json;
using System.Threading.Channels;
using FinanceIngest.Ground;
using FinanceIngest.Queueing;

namespace FinanceIngest.Tests.Support;

/// <summary>A queue whose sends ignore their cancellation token and end only when the test says so.</summary>
internal sealed class HeldQueue : IMessageQueue
{
    private readonly Channel<Send> _sends = Channel.CreateUnbounded<Send>();

    public string Name => "held";

    /// <summary>How many sends have arrived that the test has not taken.</summary>
    public int Waiting => _sends.Reader.Count;

    public async Task<Send> NextAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        return await _sends.Reader.ReadAsync(patience.Token);
    }

    /// <summary>Returns the next send; null when the wait is cancelled.</summary>
    public async Task<Send?> NextAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _sends.Reader.ReadAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    public Task<LeasedMessage> SendAsync(MessageBody body, TimeSpan visibilityDelay, CancellationToken cancellationToken)
    {
        var send = new Send(body);
        _sends.Writer.TryWrite(send);
        return send.Completion;
    }

    public Task EnsureExistsAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task<IReadOnlyList<LeasedMessage>> ReceiveAsync(int maximum, TimeSpan lease, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public Task<IReadOnlyList<string>> PeekAsync(int maximum, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<QueueDepth> GetDepthAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task ProbeAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public sealed class Send(MessageBody body)
    {
        private readonly TaskCompletionSource<LeasedMessage> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<LeasedMessage> Completion => _completion.Task;

        /// <summary>The number of transactions in the message.</summary>
        public int Count => JsonDocument.Parse(Convert.FromBase64String(body.Text)).RootElement.GetProperty("transactions").GetArrayLength();

        public void Succeed() => _completion.SetResult(null!);

        public void Fail() => _completion.SetException(new QueueUnavailableException("held", new IOException("down")));
    }
}
