using FinanceIngest.Commands;
using FinanceIngest.Ground;

namespace FinanceIngest.Intake;

/// <summary>
/// Holds requests until their commands are carried out. The database is asked after a pause that grows from 20 ms to 500 ms, and at once when the scorer of
/// this process has written; at most four requests ask at the same time, so that many that wait are no burden.
/// </summary>
internal sealed class CommandWaiter(ICommandProgress progress, TimeProvider time) : IDisposable
{
    private const int AskAtOnce = 4;
    private static readonly TimeSpan s_firstPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromMilliseconds(500);

    private readonly SemaphoreSlim _asking = new(AskAtOnce);
    private readonly CancellationTokenSource _closed = new();
    private TaskCompletionSource _news = NewSignal();
    private bool _isDisposed;

    /// <summary>Tells the waiter that a scorer in this process has committed a batch.</summary>
    public void OnWritten() => Interlocked.Exchange(ref _news, NewSignal()).TrySetResult();

    /// <summary>Ends every wait, present and future, because the process is about to stop.</summary>
    public void Close()
    {
        // A start that fails disposes of its services, and says then that the process is about to stop.
        lock (_closed)
        {
            if (!_isDisposed)
            {
                _closed.Cancel();
            }
        }
    }

    /// <summary>Waits until commands are carried out.</summary>
    /// <returns>False: they are not within <paramref name="atMost"/>, also because the database can't be reached or the process is about to stop.</returns>
    public async Task<bool> WaitAsync(IReadOnlyList<Command> commands, TimeSpan atMost, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(atMost, time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _closed.Token, cancellationToken);
        try
        {
            for (TimeSpan pause = s_firstPause; ; pause = pause * 2 < s_longestPause ? pause * 2 : s_longestPause)
            {
                // The signal is taken before the look, so that a write during the look leads to another one.
                Task news = Volatile.Read(ref _news).Task;
                if (await AreCarriedOutAsync(commands, end.Token))
                {
                    return true;
                }

                await news.WaitAsync(pause, time, end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                end.Token.ThrowIfCancellationRequested();
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _asking.Dispose();
        lock (_closed)
        {
            _isDisposed = true;
            _closed.Dispose();
        }
    }

    private async Task<bool> AreCarriedOutAsync(IReadOnlyList<Command> commands, CancellationToken cancellationToken)
    {
        await _asking.WaitAsync(cancellationToken);
        try
        {
            return await progress.AreCarriedOutAsync(commands, cancellationToken);
        }
        catch (StoreUnavailableException)
        {
            // The commands are durable: the request is answered with 202 when its time is over.
            return false;
        }
        finally
        {
            _asking.Release();
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
