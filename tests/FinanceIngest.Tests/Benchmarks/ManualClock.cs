using FinanceIngest.Bench.Delay;

namespace FinanceIngest.Tests.Benchmarks;

/// <summary>A clock that stands until the test moves it.</summary>
internal sealed class ManualClock : DelayClock
{
    private readonly Lock _gate = new();
    private readonly List<(long Due, TaskCompletionSource Reached)> _waiting = [];
    private long _now;

    /// <inheritdoc/>
    public override long Now => Interlocked.Read(ref _now);

    /// <inheritdoc/>
    public override void WaitUntil(long due, CancellationToken cancellationToken) => ReachedAsync(due).Wait(cancellationToken);

    public void Advance(TimeSpan by)
    {
        TaskCompletionSource[] reached;
        lock (_gate)
        {
            long now = Interlocked.Add(ref _now, (long)by.TotalNanoseconds);
            reached = [.. _waiting.Where(waiter => waiter.Due <= now).Select(waiter => waiter.Reached)];
            _waiting.RemoveAll(waiter => waiter.Due <= now);
        }

        foreach (TaskCompletionSource waiter in reached)
        {
            waiter.SetResult();
        }
    }

    private Task ReachedAsync(long due)
    {
        lock (_gate)
        {
            if (due <= Now)
            {
                return Task.CompletedTask;
            }

            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Add((due, reached));
            return reached.Task;
        }
    }
}
