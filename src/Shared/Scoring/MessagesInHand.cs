using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Queueing;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Scoring;

/// <summary>
/// The messages of one batch, from their receipt to their end: their leases are kept, and messages not settled by the end are given back, visible at once.
/// </summary>
/// <remarks>
/// When the work is abandoned, what is left to do is bounded, in this order: <see cref="Deadlines.SettleAfterAbandon"/>,
/// <see cref="Deadlines.RenewalsEnd"/>, <see cref="Deadlines.GiveBack"/>.
/// </remarks>
internal sealed partial class MessagesInHand : IAsyncDisposable
{
    private readonly HashSet<LeasedMessage> _open;
    private readonly CancellationTokenSource _settling;
    private readonly CancellationTokenRegistration _abandoned;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    /// <param name="messages">The messages.</param>
    /// <param name="leases">Keeps their leases, and ends with them.</param>
    /// <param name="time">Clock.</param>
    /// <param name="logger">Takes the messages that could not be given back.</param>
    /// <param name="abandon">Ends the work on the messages.</param>
    public MessagesInHand(IReadOnlyList<LeasedMessage> messages, LeaseKeeper leases, TimeProvider time, ILogger logger, CancellationToken abandon)
    {
        _open = [.. messages];
        Leases = leases;
        _settling = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        _time = time;
        _logger = logger;
        _abandoned = abandon.Register(() => _settling.CancelAfter(Deadlines.SettleAfterAbandon));
    }

    public LeaseKeeper Leases { get; }

    /// <summary>The token of what comes after a commit. It outlasts the token of the work: committed messages are settled as long as there is time.</summary>
    public CancellationToken Settling => _settling.Token;

    /// <summary>Deletes a message whose effects are committed. A message whose lease had ended is counted as lost: its redelivery finds its rows.</summary>
    /// <exception cref="QueueUnavailableException">The queue can't be reached; the message is given back in the end.</exception>
    public async Task DeleteAsync(LeasedMessage message)
    {
        await Leases.ReleaseAsync(message).WaitAsync(Settling);
        if (!await message.TryDeleteAsync(Settling))
        {
            Leases.Lose(message, "delete");
            Log.LeaseLost(_logger, message.Id);
        }

        Close(message);
    }

    /// <summary>Gives a message back, to come again after a while.</summary>
    /// <exception cref="QueueUnavailableException">The queue can't be reached; the message is given back in the end.</exception>
    public async Task DelayAsync(LeasedMessage message, TimeSpan delay)
    {
        await Leases.ReleaseAsync(message).WaitAsync(Settling);
        await message.TryExtendAsync(delay, Settling);
        Close(message);
    }

    /// <summary>Notes that the message needs nothing more, so that it is not given back.</summary>
    public void Close(LeasedMessage message)
    {
        lock (_open)
        {
            _open.Remove(message);
        }
    }

    public async ValueTask DisposeAsync()
    {
        // Renewals end first, so that none of them leases a message that is given back. Messages that seemed lost are given back too: where no other worker has
        // taken one, its lease may have been renewed since.
        await Leases.DisposeAsync();
        await _abandoned.DisposeAsync();
        _settling.Dispose();
        if (_open.Count == 0)
        {
            return;
        }

        using var limit = new CancellationTokenSource(Deadlines.GiveBack, _time);
        await Task.WhenAll(_open.Select(message => GiveBackAsync(message, limit.Token)));
    }

    private async Task GiveBackAsync(LeasedMessage message, CancellationToken cancellationToken)
    {
        try
        {
            await message.TryExtendAsync(TimeSpan.Zero, cancellationToken);
        }
        catch (Exception e) when (e is QueueUnavailableException or OperationCanceledException)
        {
            // The message's lease ends by itself.
            Log.NotGivenBack(_logger, message.Id, FailureText.Reason(e));
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Debug, "Message {Id} was gone or another worker's when it was to be deleted; its rows are written.")]
        public static partial void LeaseLost(ILogger logger, string id);

        [LoggerMessage(LogLevel.Information, "Message {Id} could not be given back and returns when its lease ends: {Problem}")]
        public static partial void NotGivenBack(ILogger logger, string id, string problem);
    }
}
