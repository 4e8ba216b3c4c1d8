using FinanceIngest.Ground;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Results;

/// <summary>
/// Holds requests until their transaction is scored. Results that a scorer of this process has written are handed to it and answer their requests at once,
/// without a query. For those of other processes one loop looks up to 1,000 transactions up in one query, the more rarely the longer a request has waited. The
/// loop runs only while requests wait, sends one query at a time, and rests after each query for four times as long as it took, at most half a second. So the
/// load that thousands of waiting requests put on the database is bounded; with more requests it takes longer until a result is seen.
/// </summary>
internal sealed partial class ResultWaiter(IResultsStore store, TimeProvider time, ILogger<ResultWaiter> logger)
{
    private const int MaximumIds = 1000;
    private const int RestsPerQuery = 4;
    private static readonly TimeSpan s_firstPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromMilliseconds(500);

    // A shorter rest is not worth a timer.
    private static readonly TimeSpan s_shortestRest = TimeSpan.FromMilliseconds(1);

    private readonly Lock _gate = new();

    // Every id that is expected, whether or not its request waits yet.
    private readonly Dictionary<Guid, Awaited> _expected = [];

    // Those among them for which a request waits: only these are looked up.
    private readonly HashSet<Awaited> _waiting = [];
    private TaskCompletionSource _news = NewSignal();

    // When the loop looks for due transactions next, unless it is told before.
    private long _nextLook;
    private long _writes;
    private bool _running;
    private bool _closed;

    private TimeProvider Time => time;

    /// <summary>Tells the waiter that a scorer in this process has committed results.</summary>
    /// <param name="rows">
    /// The results, where each became a row as it is. Null: some did not, because there was a row already, or it is not known which: what is waited for is
    /// looked up.
    /// </param>
    public void OnWritten(IReadOnlyList<TransactionResult>? rows)
    {
        lock (_gate)
        {
            if (rows is null)
            {
                _writes++;
                _news.TrySetResult();
                return;
            }

            if (_expected.Count > 0)
            {
                Answer(rows);
            }
        }
    }

    /// <summary>Ends every wait, present and future, with no result, because the process is about to stop.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
            foreach (Awaited awaited in _expected.Values)
            {
                awaited.Complete(null);
            }

            _expected.Clear();
            _waiting.Clear();
            _news.TrySetResult();
        }
    }

    /// <summary>
    /// Begins to listen for a transaction's result. A request calls this before it makes the transaction durable, or before it looks for its row, so that a
    /// result that is written meanwhile is not missed. Nothing is looked up before <see cref="Expectation.WaitAsync"/>.
    /// </summary>
    public Expectation Expect(Guid id)
    {
        lock (_gate)
        {
            if (!_expected.TryGetValue(id, out Awaited? awaited))
            {
                awaited = new Awaited(id) { SeenWrites = _writes };
                if (_closed)
                {
                    awaited.Complete(null);
                }
                else
                {
                    _expected.Add(id, awaited);
                }
            }

            awaited.Listeners++;
            return new Expectation(this, awaited);
        }
    }

    private void BeginLookingUp(Awaited awaited)
    {
        lock (_gate)
        {
            if (awaited.Result.IsCompleted)
            {
                return;
            }

            // The request itself has just been to the queue or to the database: an earlier look would find nothing.
            awaited.DueAt = Later(time.GetTimestamp(), s_firstPause);
            awaited.Pause = 2 * s_firstPause;
            _waiting.Add(awaited);
            if (!_running)
            {
                _running = true;
                _ = Task.Run(RunAsync);
            }
            else if (awaited.DueAt < _nextLook)
            {
                _news.TrySetResult();
            }
        }
    }

    private void Leave(Awaited awaited)
    {
        lock (_gate)
        {
            if (--awaited.Listeners == 0)
            {
                Forget(awaited);
            }
        }
    }

    private void Forget(Awaited awaited)
    {
        _waiting.Remove(awaited);
        if (_expected.TryGetValue(awaited.Id, out Awaited? current) && current == awaited)
        {
            _expected.Remove(awaited.Id);
        }
    }

    private void Answer(IReadOnlyList<TransactionResult> results)
    {
        foreach (TransactionResult result in results)
        {
            if (_expected.TryGetValue(result.Id, out Awaited? awaited))
            {
                awaited.Complete(result);
                Forget(awaited);
            }
        }
    }

    private async Task RunAsync()
    {
        while (true)
        {
            Task news;
            Awaited[] due;
            TimeSpan untilNext = TimeSpan.Zero;
            lock (_gate)
            {
                if (_waiting.Count == 0)
                {
                    _running = false;
                    return;
                }

                // The signal is renewed before the query, so a write during the query leads to another one.
                _news = _news.Task.IsCompleted ? NewSignal() : _news;
                news = _news.Task;
                due = TakeDue();
                if (due.Length == 0)
                {
                    _nextLook = _waiting.Min(awaited => awaited.DueAt);
                    untilNext = time.GetElapsedTime(time.GetTimestamp(), _nextLook);
                }
            }

            if (due.Length == 0)
            {
                await news.WaitAsync(Clamp(untilNext), time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                continue;
            }

            long begun = time.GetTimestamp();
            await LookUpAsync(due);
            TimeSpan rest = RestsPerQuery * time.GetElapsedTime(begun);
            if (rest >= s_shortestRest)
            {
                await Task.Delay(Clamp(rest), time);
            }
        }
    }

    // The transactions whose look-up is longest overdue come first.
    private Awaited[] TakeDue()
    {
        long now = time.GetTimestamp();
        Awaited[] due = [.. _waiting.Where(awaited => awaited.DueAt <= now || awaited.SeenWrites != _writes)];
        if (due.Length > MaximumIds)
        {
            due = [.. due.OrderBy(awaited => awaited.DueAt).Take(MaximumIds)];
        }

        foreach (Awaited awaited in due)
        {
            awaited.SeenWrites = _writes;
            awaited.DueAt = Later(now, awaited.Pause);
            awaited.Pause = Clamp(2 * awaited.Pause);
        }

        return due;
    }

    private async Task LookUpAsync(Awaited[] due)
    {
        IReadOnlyList<TransactionResult> results;
        try
        {
            results = await store.GetAsync([.. due.Select(awaited => awaited.Id)], CancellationToken.None);
        }
        catch (Exception e)
        {
            // The loop survives every failure: without it later requests would wait in vain.
            Log.LookUpFailed(logger, FailureText.Reason(e));
            return;
        }

        lock (_gate)
        {
            Answer(results);
        }
    }

    private long Later(long timestamp, TimeSpan pause) => timestamp + (long)(pause.TotalSeconds * time.TimestampFrequency);

    private static TimeSpan Clamp(TimeSpan pause) => pause < s_longestPause ? (pause > TimeSpan.Zero ? pause : TimeSpan.Zero) : s_longestPause;

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "The results that requests wait for could not be looked up: {Problem}")]
        public static partial void LookUpFailed(ILogger logger, string problem);
    }

    /// <summary>One request's interest in a result, from <see cref="Expect"/> to its disposal.</summary>
    public sealed class Expectation : IDisposable
    {
        private readonly ResultWaiter _waiter;
        private readonly Awaited _awaited;

        internal Expectation(ResultWaiter waiter, Awaited awaited)
        {
            _waiter = waiter;
            _awaited = awaited;
        }

        /// <summary>
        /// The transaction's result, or null when there is none within <paramref name="atMost"/>, also because the database can't be reached, or because the
        /// process is about to stop.
        /// </summary>
        public async Task<TransactionResult?> WaitAsync(TimeSpan atMost, CancellationToken cancellationToken)
        {
            _waiter.BeginLookingUp(_awaited);
            try
            {
                return await _awaited.Result.WaitAsync(atMost, _waiter.Time, cancellationToken);
            }
            catch (TimeoutException)
            {
                return null;
            }
        }

        /// <inheritdoc/>
        public void Dispose() => _waiter.Leave(_awaited);
    }

    /// <summary>A transaction whose result is expected, by one request or more.</summary>
    internal sealed class Awaited(Guid id)
    {
        private readonly TaskCompletionSource<TransactionResult?> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Guid Id => id;

        /// <summary>Requests that expect the result.</summary>
        public int Listeners { get; set; }

        /// <summary>The timestamp of <see cref="TimeProvider.GetTimestamp"/> from which the transaction is looked up again.</summary>
        public long DueAt { get; set; }

        /// <summary>How long after its next look-up the transaction is due again; it doubles with each look-up, from 40 ms to 500 ms.</summary>
        public TimeSpan Pause { get; set; }

        /// <summary>The number of writes by this process's scorer, of which no rows were handed over, at the last look-up.</summary>
        public long SeenWrites { get; set; }

        public Task<TransactionResult?> Result => _result.Task;

        public void Complete(TransactionResult? result) => _result.TrySetResult(result);
    }
}
