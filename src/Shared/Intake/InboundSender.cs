using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using FinanceIngest.Ground;
using FinanceIngest.Observability;
using FinanceIngest.Queueing;
using FinanceIngest.Transactions;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Intake;

/// <summary>
/// Puts transactions on the inbound queue by group commit: while one send is under way, further requests gather into the next message.
/// A lone request is sent at once, there is no timer. Every request is answered only after its message is durable, and a failed
/// send fails exactly its requests.
/// </summary>
internal sealed partial class InboundSender : IAsyncDisposable
{
    // Full messages may travel side by side; a partly filled one only when nothing else does.
    private const int MaximumConcurrentSends = 8;
    private const int MaximumPendingTransactions = 200_000;

    // So many may fill a message: worth looking at while a send is under way.
    private const int WorthAMessage = 128;

    // Answers are handed to the thread pool by so many: each way there and back costs as much as writing one.
    private const int AnswersTogether = 8;
    private const int MaximumYields = 8;
    private static readonly TimeSpan s_sendTimeout = TimeSpan.FromSeconds(30);

    private readonly IMessageQueue _queue;
    private readonly Telemetry _telemetry;
    private readonly TimeProvider _time;
    private readonly ILogger<InboundSender> _logger;
    private readonly ConcurrentQueue<Submission> _submissions = new();
    private readonly WakeSignal _wake = new();
    private readonly SendOutage _outage;
    private readonly Task _run;
    private long _sentMessages;

    // Transactions that are neither durable nor failed; of these, transactions that no message holds yet; how many of the latter are worth waking the loop for.
    private int _pending;
    private int _waiting;
    private int _wakeAt = int.MaxValue;

    // Messages that are being sent; those and messages whose requests are being answered.
    private int _sending;
    private int _open;
    private volatile bool _isEnding;

    /// <param name="queue">The inbound queue.</param>
    /// <param name="telemetry">Spans and counters of sends.</param>
    /// <param name="time">Clock of the time-outs.</param>
    /// <param name="logger">Log.</param>
    public InboundSender(IMessageQueue queue, Telemetry telemetry, TimeProvider time, ILogger<InboundSender> logger)
    {
        _queue = queue;
        _telemetry = telemetry;
        _time = time;
        _logger = logger;
        _outage = new SendOutage(time);
        _run = Task.Run(RunAsync);
    }

    /// <summary>Raised after each message that became durable; a scorer in the same process starts at once.</summary>
    public event Action? Sent;

    /// <summary>1 … 30 seconds: when what a failed send refused is worth sending again.</summary>
    public int RetryAfterSeconds => _outage.RetryAfterSeconds;

    /// <summary>Messages that became durable since the start.</summary>
    public long SentMessages => Interlocked.Read(ref _sentMessages);

    /// <summary>
    /// Sends transactions and completes when each is durable or has failed. The answer tells by index which failed (null: none).
    /// It can't be cancelled: what was handed in is sent, whoever waits for it.
    /// </summary>
    /// <returns>Null when all are durable; else, for each transaction, what its send failed with, or null.</returns>
    /// <exception cref="IntakeOverloadedException">More is in flight than this process can hold; nothing was sent.</exception>
    internal async Task<Exception?[]?> SendAsync(IReadOnlyList<Transaction> transactions)
    {
        if (transactions.Count == 0)
        {
            return null;
        }

        // The other order than in the loop's end: either this sees that it is ending, or the loop sees that something is pending.
        if (Interlocked.Add(ref _pending, transactions.Count) > MaximumPendingTransactions || _isEnding)
        {
            Refuse(transactions.Count);
        }

        var submission = new Submission(transactions, Activity.Current?.Id);
        _submissions.Enqueue(submission);
        if (Interlocked.Add(ref _waiting, transactions.Count) >= Volatile.Read(ref _wakeAt))
        {
            _wake.Set();
        }

        return await submission.Completion;
    }

    [DoesNotReturn]
    private void Refuse(int transactions)
    {
        Interlocked.Add(ref _pending, -transactions);
        _wake.Set();
        throw new IntakeOverloadedException();
    }

    /// <summary>Sends what was handed in, then ends.</summary>
    public async ValueTask DisposeAsync()
    {
        _isEnding = true;
        Interlocked.MemoryBarrier();
        _wake.Set();
        await _run;
    }

    private async Task RunAsync()
    {
        var message = new Message();
        int yields = 0;
        while (!_isEnding || Volatile.Read(ref _pending) > 0 || Volatile.Read(ref _open) > 0)
        {
            message.Fill(this);
            int sending = Volatile.Read(ref _sending);
            if (message.IsEmpty)
            {
                await WaitForAsync(1);
            }
            else if (message.IsFull ? sending >= MaximumConcurrentSends : sending > 0)
            {
                // Gathers until a send ends, or until a full message could travel beside it.
                await WaitForAsync(message.IsFull ? int.MaxValue : WorthAMessage);
            }
            else if (!message.IsFull && yields < MaximumYields && (yields == 0 || ThreadPool.PendingWorkItemCount > 0))
            {
                // Requests that have arrived already and wait for a thread come along; where there are none this costs nothing.
                yields++;
                await Task.Yield();
            }
            else
            {
                yields = 0;
                Interlocked.Increment(ref _sending);
                Interlocked.Increment(ref _open);
                _ = SendAsync(message);
                message = message.Next();
            }
        }
    }

    /// <summary>Until so many transactions wait, a send ends, or the process does.</summary>
    private async ValueTask WaitForAsync(int transactions)
    {
        Interlocked.Exchange(ref _wakeAt, transactions);
        if (Volatile.Read(ref _waiting) < transactions)
        {
            await _wake.WaitAsync();
        }

        Volatile.Write(ref _wakeAt, int.MaxValue);
    }

    private bool TryTake([NotNullWhen(true)] out Submission? submission)
    {
        if (!_submissions.TryDequeue(out submission))
        {
            return false;
        }

        Interlocked.Add(ref _waiting, -submission.Transactions.Count);
        return true;
    }

    // Never throws.
    private async Task SendAsync(Message message)
    {
        Exception? failure = null;
        long startedAt = _telemetry.Now;
        using Activity? span = message.Span;
        try
        {
            using var timeout = new CancellationTokenSource(s_sendTimeout, _time);
            await _queue.SendAsync(message.ToBody(), TimeSpan.Zero, timeout.Token);
            Interlocked.Increment(ref _sentMessages);
        }
        catch (Exception e)
        {
            // Whatever it was: these transactions are not known to be durable.
            Log.SendFailed(_logger, message.Count, e.Message);
            failure = e;
            Telemetry.Fail(span, e);
        }

        _outage.Note(failure is not null);
        _telemetry.Sent(_queue.Name, startedAt, failure);
        _telemetry.Accepted(message.Count, failure);
        Interlocked.Add(ref _pending, -message.Count);
        Interlocked.Decrement(ref _sending);
        _wake.Set();
        await message.CompleteAsync(failure);
        if (failure is null)
        {
            Sent?.Invoke();
        }

        Interlocked.Decrement(ref _open);
        if (_isEnding)
        {
            _wake.Set();
        }
    }

    /// <summary>The transactions of one request, which may be spread over several messages.</summary>
    private sealed class Submission(IReadOnlyList<Transaction> transactions, string? traceParent)
    {
        private readonly TaskCompletionSource<Exception?[]?> _completion = new();
        private readonly Lock _gate = new();
        private Exception?[]? _failures;
        private int _open = transactions.Count;

        public IReadOnlyList<Transaction> Transactions => transactions;

        public string? TraceParent => traceParent;

        public Task<Exception?[]?> Completion => _completion.Task;

        /// <summary>A part of them is durable or has failed. The last one answers the request, on this thread.</summary>
        public void Complete(int from, int to, Exception? failure)
        {
            bool isLast;
            lock (_gate)
            {
                if (failure is not null)
                {
                    _failures ??= new Exception?[transactions.Count];
                    _failures.AsSpan(from, to - from).Fill(failure);
                }

                _open -= to - from;
                isLast = _open == 0;
            }

            if (isLast)
            {
                _completion.TrySetResult(_failures);
            }
        }
    }

    /// <summary>A message being filled, and whose transactions are in it.</summary>
    private sealed class Message
    {
        private readonly List<(Submission Submission, int From, int To)> _parts = [];
        private EnvelopeBuilder? _envelope;
        private Submission? _current;
        private int _position;

        public bool IsEmpty => _envelope is null;

        public bool IsFull { get; private set; }

        public int Count => _envelope?.Count ?? 0;

        /// <summary>Of the message's making and sending.</summary>
        public Activity? Span { get; private set; }

        public void Fill(InboundSender sender)
        {
            while (!IsFull && (_current is not null || sender.TryTake(out _current)))
            {
                if (_envelope is null)
                {
                    Span = sender._telemetry.StartSend(sender._queue.Name, _current.TraceParent);
                    _envelope = new EnvelopeBuilder(Span?.Id ?? _current.TraceParent);
                }
                else if (_parts[^1].Submission != _current)
                {
                    Telemetry.Join(Span, _current.TraceParent);
                }

                int from = _position;
                while (_position < _current.Transactions.Count && !IsFull)
                {
                    IsFull = !_envelope.TryAdd(_current.Transactions[_position]);
                    _position += IsFull ? 0 : 1;
                }

                if (_position > from)
                {
                    _parts.Add((_current, from, _position));
                }

                if (_position == _current.Transactions.Count)
                {
                    _current = null;
                    _position = 0;
                }
            }
        }

        /// <summary>The message after this one, with what did not fit into it.</summary>
        public Message Next() => new() { _current = _current, _position = _position };

        public MessageBody ToBody() => _envelope!.ToBody();

        public Task CompleteAsync(Exception? failure) =>
            Task.WhenAll(_parts.Chunk(AnswersTogether).Select(parts => Task.Run(() => Array.ForEach(parts, part => part.Submission.Complete(part.From, part.To, failure)))));
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "{Count} transactions could not be put on the inbound queue: {Problem}")]
        public static partial void SendFailed(ILogger logger, int count, string problem);
    }
}

/// <summary>More transactions are in flight than this process can hold.</summary>
internal sealed class IntakeOverloadedException() : Exception("Too many transactions are in flight in this process.");
