using System.Collections.Concurrent;

namespace FinanceIngest.Tests.Support;

/// <summary>A clock on which a step passes whenever somebody takes a time stamp, and whose timers end at once.</summary>
internal sealed class StepClock(DateTimeOffset now) : TimeProvider
{
    public static readonly TimeSpan Step = TimeSpan.FromMilliseconds(10);

    private long _steps;

    /// <summary>What the timers were to wait.</summary>
    public ConcurrentQueue<TimeSpan> Rests { get; } = [];

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Interlocked.Add(ref _steps, Step.Ticks);

    public override DateTimeOffset GetUtcNow() => now;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        Rests.Enqueue(dueTime);
        return System.CreateTimer(callback, state, TimeSpan.Zero, period);
    }
}
