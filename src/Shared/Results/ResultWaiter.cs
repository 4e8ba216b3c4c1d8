using FinanceIngest.Ground;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Results;

/// <summary>
/// Holds requests until their transaction is scored. One loop looks up to 1,000 transactions up in one query: at once after a scorer in this process has
/// written, otherwise the more rarely the longer a request has waited. The loop runs only while requests wait, sends one query at a time, and rests after each
/// query for four times as long as it took, at most half a second. So the load that thousands of waiting requests put on the database is bounded; with more
/// requests it takes longer until a result is seen.
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
    private readonly HashSet<Waiter> _waiting = [];
    private TaskCompletionSource _news = NewSignal();
    private long _writes;
    private bool _running;
    private bool _closed;

    /// <summary>Tells the waiter that a scorer in this process has written results.</summary>
    public void OnWritten()
    {
        lock (_gate)
        {
            _writes++;
            _news.TrySetResult();
        }
    }

    /// <summary>Ends every wait, present and future, with no result, because the process is about to stop.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
            foreach (Waiter waiter in _waiting)
            {
                waiter.Complete(null);
            }

            _waiting.Clear();
            _news.TrySetResult();
        }
    }

    /// <summary>The transaction's result, or null when there is none within <paramref name="atMost"/>, also because the database can't be reached.</summary>
    public async Task<TransactionResult?> WaitAsync(Guid id, TimeSpan atMost, CancellationToken cancellationToken)
    {
        var waiter = new Waiter(id) { DueAt = time.GetTimestamp() };
        Join(waiter);
        try
        {
            return await waiter.Result.WaitAsync(atMost, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            return null;
        }
        finally
        {
            lock (_gate)
            {
                _waiting.Remove(waiter);
            }
        }
    }

    private void Join(Waiter waiter)
    {
        lock (_gate)
        {
            if (_closed)
            {
                waiter.Complete(null);
                return;
            }

            _waiting.Add(waiter);
            _news.TrySetResult();
            if (!_running)
            {
                _running = true;
                _ = Task.Run(RunAsync);
            }
        }
    }

    private async Task RunAsync()
    {
        while (true)
        {
            Task news;
            Waiter[] due;
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
                    long next = _waiting.Min(waiter => waiter.DueAt);
                    untilNext = time.GetElapsedTime(time.GetTimestamp(), next);
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

    // The requests whose look-up is longest overdue come first.
    private Waiter[] TakeDue()
    {
        long now = time.GetTimestamp();
        Waiter[] due = [.. _waiting.Where(waiter => waiter.DueAt <= now || waiter.SeenWrites != _writes)];
        if (due.Length > MaximumIds)
        {
            due = [.. due.OrderBy(waiter => waiter.DueAt).Take(MaximumIds)];
        }

        foreach (Waiter waiter in due)
        {
            waiter.SeenWrites = _writes;
            waiter.DueAt = now + (long)(waiter.Pause.TotalSeconds * time.TimestampFrequency);
            waiter.Pause = Clamp(2 * waiter.Pause);
        }

        return due;
    }

    private async Task LookUpAsync(Waiter[] due)
    {
        IReadOnlyList<TransactionResult> results;
        try
        {
            results = await store.GetAsync([.. due.Select(waiter => waiter.Id).Distinct()], CancellationToken.None);
        }
        catch (Exception e)
        {
            // The loop survives every failure: without it later requests would wait in vain.
            Log.LookUpFailed(logger, FailureText.Reason(e));
            return;
        }

        if (results.Count == 0)
        {
            return;
        }

        Dictionary<Guid, TransactionResult> found = results.ToDictionary(result => result.Id);
        lock (_gate)
        {
            foreach (Waiter waiter in due)
            {
                if (found.TryGetValue(waiter.Id, out TransactionResult? result))
                {
                    waiter.Complete(result);
                    _waiting.Remove(waiter);
                }
            }
        }
    }

    private static TimeSpan Clamp(TimeSpan pause) => pause < s_longestPause ? (pause > TimeSpan.Zero ? pause : TimeSpan.Zero) : s_longestPause;

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "The results that requests wait for could not be looked up: {Problem}")]
        public static partial void LookUpFailed(ILogger logger, string problem);
    }

    private sealed class Waiter(Guid id)
    {
        private readonly TaskCompletionSource<TransactionResult?> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Guid Id => id;

        /// <summary>The timestamp of <see cref="TimeProvider.GetTimestamp"/> from which the transaction is looked up again.</summary>
        public long DueAt { get; set; }

        /// <summary>How long after its next look-up the transaction is due again; it doubles with each look-up, from 20 ms to 500 ms.</summary>
        public TimeSpan Pause { get; set; } = s_firstPause;

        /// <summary>The number of writes by this process's scorer at the last look-up; −1 before the first.</summary>
        public long SeenWrites { get; set; } = -1;

        public Task<TransactionResult?> Result => _result.Task;

        public void Complete(TransactionResult? result) => _result.TrySetResult(result);
    }
}
