using FinanceIngest.Configuration;

namespace FinanceIngest.Fuzz.Api;

/// <summary>A clock that stands still and ends every pause at once, so that runs are repeatable and never wait.</summary>
internal sealed class InstantTime : TimeProvider
{
    /// <summary>The only time of this clock.</summary>
    public static DateTimeOffset Now { get; } = new(2026, 11, 26, 12, 0, 0, TimeSpan.Zero);

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => Now;

    /// <inheritdoc/>
    public override long GetTimestamp() => 0;

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        System.CreateTimer(callback, state, DueIn(dueTime), Timeout.InfiniteTimeSpan);

    // The time limit of a send must not overtake a send into memory.
    private static TimeSpan DueIn(TimeSpan dueTime) =>
        dueTime == Timeout.InfiniteTimeSpan ? dueTime
        : dueTime == Deadlines.Send ? TimeSpan.FromMilliseconds(500)
        : TimeSpan.Zero;
}
