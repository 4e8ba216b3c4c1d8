using Microsoft.Extensions.Logging;

namespace FinanceIngest.Results;

/// <summary>
/// Holds requests until their transaction is scored. One loop asks the store for everything that is waited for in one query; it runs
/// only while somebody waits, and at once when a scorer in this process has written.
/// </summary>
public sealed partial class ResultWaiter(IResultsStore store, TimeProvider time, ILogger<ResultWaiter> logger)
{
    private const int MaximumIds = 1000;
    private static readonly TimeSpan s_firstPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromMilliseconds(500);

    private readonly Lock _gate = new();
    private readonly HashSet<Waiter> _waiting = [];
    private TaskCompletionSource _news = NewSignal();
    private bool _running;
    private bool _closed;

    /// <summary>A scorer in this process has written results.</summary>
    public void OnWritten()
    {
        lock (_gate)
        {
            _news.TrySetResult();
        }
    }

    /// <summary>The process is about to end: everybody who waits is answered now.</summary>
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

    /// <summary>The result, or null when it is not there in time. An unreachable database counts as not there.</summary>
    public async Task<TransactionResult?> WaitAsync(Guid id, TimeSpan atMost, CancellationToken cancellationToken)
    {
        var waiter = new Waiter(id);
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
        TimeSpan pause = s_firstPause;
        while (true)
        {
            Task news;
            Guid[] ids;
            lock (_gate)
            {
                ids = [.. _waiting.Select(waiter => waiter.Id).Distinct()];
                if (ids.Length == 0)
                {
                    _running = false;
                    return;
                }

                // The signal is renewed before the query: what is written during it is seen by the next one.
                _news = _news.Task.IsCompleted ? NewSignal() : _news;
                news = _news.Task;
            }

            foreach (Guid[] some in ids.Chunk(MaximumIds))
            {
                await LookUpAsync(some);
            }

            bool hasNews = await Task.WhenAny(news, Task.Delay(pause, time)) == news;
            pause = hasNews ? s_firstPause : TimeSpan.FromTicks(Math.Min(pause.Ticks * 2, s_longestPause.Ticks));
        }
    }

    private async Task LookUpAsync(Guid[] ids)
    {
        IReadOnlyList<TransactionResult> results;
        try
        {
            results = await store.GetAsync(ids, CancellationToken.None);
        }
        catch (Exception e)
        {
            // Whatever it is, the loop must live: later waiters would wait for nothing.
            Log.LookUpFailed(logger, e.Message);
            return;
        }

        Dictionary<Guid, TransactionResult> found = results.ToDictionary(result => result.Id);
        lock (_gate)
        {
            foreach (Waiter waiter in _waiting.Where(waiter => found.ContainsKey(waiter.Id)))
            {
                waiter.Complete(found[waiter.Id]);
            }

            _waiting.RemoveWhere(waiter => waiter.Result.IsCompleted);
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "Results that are waited for could not be looked up: {Problem}")]
        public static partial void LookUpFailed(ILogger logger, string problem);
    }

    private sealed class Waiter(Guid id)
    {
        private readonly TaskCompletionSource<TransactionResult?> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Guid Id => id;

        public Task<TransactionResult?> Result => _result.Task;

        public void Complete(TransactionResult? result) => _result.TrySetResult(result);
    }
}
