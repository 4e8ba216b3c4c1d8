using System.Diagnostics;
using FinanceIngest.Commands;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Observability;
using FinanceIngest.Queueing;
using FinanceIngest.Transactions;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Intake;

/// <summary>
/// Puts transactions and commands on the inbound queue by group commit: while one send is under way, further requests gather into the next message
/// (<see cref="GroupCommitRule"/> says when it leaves). A request is answered when each of its transactions is durable or has failed, and a failed
/// send fails only the transactions in its message.
/// </summary>
/// <remarks>
/// When the process stops, what was handed in is sent for as long as <see cref="Deadlines.FinishInHand"/>; what is not durable by then fails, so
/// that its request is still answered before the server ends.
/// </remarks>
internal sealed partial class InboundSender : IAsyncDisposable
{
    private const int MaximumPendingTransactions = 200_000;

    private readonly IMessageQueue _queue;
    private readonly Telemetry _telemetry;
    private readonly TimeProvider _time;
    private readonly ILogger<InboundSender> _logger;
    private readonly WaitingSubmissions _waiting = new();
    private readonly SendOutage _outage;
    private readonly CancellationTokenSource _abandon;
    private readonly CancellationTokenRegistration _stopping;
    private readonly Task _run;

    // Transactions and commands whose requests are not answered yet: requests raise it, the end of a send lowers it.
    private int _pending;

    // Messages that are being sent: the loop raises it, the end of a send lowers it.
    private int _sending;

    // Only the end of a send writes it.
    private long _sentMessages;

    // Set when the stop begins, and when the disposal begins: from then on nothing more is taken.
    private bool _isStopping;
    private volatile bool _isEnding;

    /// <param name="queue">The inbound queue.</param>
    /// <param name="telemetry">Spans and counters of sends.</param>
    /// <param name="time">Clock of the time-outs.</param>
    /// <param name="logger">Log.</param>
    /// <param name="stopping">Cancelled when the process begins to stop; all sends must then end within <see cref="Deadlines.FinishInHand"/>.</param>
    public InboundSender(IMessageQueue queue, Telemetry telemetry, TimeProvider time, ILogger<InboundSender> logger, CancellationToken stopping)
    {
        _queue = queue;
        _telemetry = telemetry;
        _time = time;
        _logger = logger;
        _outage = new SendOutage(time);
        _abandon = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        _run = Task.Run(RunAsync, CancellationToken.None);
        _stopping = stopping.Register(BeginStop);
    }

    /// <summary>Raised after each message that became durable; a scorer in the same process starts at once.</summary>
    public event Action? Sent;

    /// <summary>Seconds after which a client should try again, 1 … 30.</summary>
    public int RetryAfterSeconds => _outage.RetryAfterSeconds;

    /// <summary>Messages that became durable since the start.</summary>
    public long SentMessages => Interlocked.Read(ref _sentMessages);

    /// <summary>
    /// Sends transactions and completes when each is durable or has failed. The answer tells by index which failed (null: none).
    /// It can't be cancelled: what was handed in is sent, whoever waits for it.
    /// </summary>
    /// <returns>Null when all are durable; else, for each transaction, what its send failed with, or null.</returns>
    /// <exception cref="IntakeOverloadedException">More is in flight than this process can hold; nothing was sent.</exception>
    internal Task<Exception?[]?> SendAsync(IReadOnlyList<Transaction> transactions) =>
        transactions.Count == 0 ? Task.FromResult<Exception?[]?>(null) : SendAsync(new Submission(transactions, W3CTrace.Current));

    /// <summary>Sends commands, as <see cref="SendAsync(IReadOnlyList{Transaction})"/> sends transactions.</summary>
    /// <returns>Null when all are durable; else, for each command, what its send failed with, or null.</returns>
    /// <exception cref="IntakeOverloadedException">More is in flight than this process can hold; nothing was sent.</exception>
    internal Task<Exception?[]?> SendAsync(IReadOnlyList<Command> commands) =>
        commands.Count == 0 ? Task.FromResult<Exception?[]?>(null) : SendAsync(new Submission(commands, W3CTrace.Current));

    private Task<Exception?[]?> SendAsync(Submission submission)
    {
        // _pending is raised before _isEnding is read, and the loop's end does it the other way round: either this call sees the end, or the loop sees this
        // request.
        if (Interlocked.Add(ref _pending, submission.Count) > MaximumPendingTransactions || _isEnding)
        {
            EndPending(submission.Count);
            return Task.FromException<Exception?[]?>(new IntakeOverloadedException());
        }

        _waiting.Add(submission);
        return submission.Completion;
    }

    /// <summary>Sends what was handed in, for as long as a stop allows, then ends. What it can't send has failed by then.</summary>
    public async ValueTask DisposeAsync()
    {
        BeginStop();
        _isEnding = true;
        Interlocked.MemoryBarrier();
        _waiting.Wake();
        await _run;
        await _stopping.DisposeAsync();
        _abandon.Dispose();
    }

    // The disposal at the end of a stop must not begin its time anew.
    private void BeginStop()
    {
        if (!Interlocked.Exchange(ref _isStopping, true))
        {
            _abandon.CancelAfter(Deadlines.FinishInHand);
        }
    }

    private async Task RunAsync()
    {
        var rule = new GroupCommitRule(() => ThreadPool.PendingWorkItemCount > 0);
        var message = new GatheringMessage(_queue.Name, _telemetry);
        while (!_isEnding || Volatile.Read(ref _pending) > 0)
        {
            message.FillFrom(_waiting);
            SendStep step = rule.Next(message.Fill, message.Count, Volatile.Read(ref _sending));
            switch (step.Kind)
            {
                case SendStepKind.Send:
                    Interlocked.Increment(ref _sending);
                    _ = SendAsync(message);
                    message = message.Next();
                    break;
                case SendStepKind.LetOthersRun:
                    await Task.Yield();
                    break;
                default:
                    await _waiting.WaitForAsync(step.Transactions);
                    break;
            }
        }
    }

    // Never throws.
    private async Task SendAsync(GatheringMessage message)
    {
        long startedAt = _telemetry.Now;
        using Activity? span = message.Span;
        Exception? failure = await TrySendAsync(message);
        if (failure is not null)
        {
            Log.SendFailed(_logger, message.Count, FailureText.Reason(failure));
            Telemetry.Fail(span, failure);
        }

        _outage.Note(failure is not null);
        _telemetry.Sent(_queue.Name, startedAt, failure);
        _telemetry.Accepted(message.Transactions, failure);
        Interlocked.Decrement(ref _sending);
        _waiting.Wake();
        if (failure is null)
        {
            // The scorer begins while the requests are answered: those that wait for their result wait for it.
            Sent?.Invoke();
        }

        await message.CompleteAsync(failure);
        EndPending(message.Count);
    }

    /// <returns>Why the message is not known to be durable; null: it is durable.</returns>
    private async Task<Exception?> TrySendAsync(GatheringMessage message)
    {
        using var timeout = new CancellationTokenSource(Deadlines.Send, _time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, _abandon.Token);
        try
        {
            limit.Token.ThrowIfCancellationRequested();

            // A queue that does not obey its token is not waited for either. It is unknown whether a message that was cut off arrives; its transactions were
            // not acknowledged.
            await _queue.SendAsync(message.ToBody(), TimeSpan.Zero, limit.Token).WaitAsync(limit.Token);
            Interlocked.Increment(ref _sentMessages);
            return null;
        }
        catch (OperationCanceledException e) when (_abandon.IsCancellationRequested)
        {
            return new TimeoutException("The queue did not confirm the message before the process had to stop.", e);
        }
        catch (OperationCanceledException e) when (timeout.IsCancellationRequested)
        {
            return new TimeoutException($"The queue did not confirm the message within {Deadlines.Send.TotalSeconds} s.", e);
        }
        catch (Exception e)
        {
            return e;
        }
    }

    private void EndPending(int transactions)
    {
        Interlocked.Add(ref _pending, -transactions);
        if (_isEnding)
        {
            _waiting.Wake();
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "{Count} transactions or commands could not be put on the inbound queue: {Problem}")]
        public static partial void SendFailed(ILogger logger, int count, string problem);
    }
}

/// <summary>More transactions are in flight than this process can hold, or the process is stopping.</summary>
internal sealed class IntakeOverloadedException() : Exception("This process takes no more transactions: too many are in flight, or it is stopping.");
