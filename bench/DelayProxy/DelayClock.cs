namespace FinanceIngest.Bench.Delay;

/// <summary>The clock of a proxy, and the way in which its threads wait. Tests replace it by one that they move themselves.</summary>
internal abstract class DelayClock
{
    /// <summary>Nanoseconds since an arbitrary instant; they never go back.</summary>
    public abstract long Now { get; }

    /// <summary>Blocks the calling thread until <see cref="Now"/> is at least <paramref name="due"/>.</summary>
    /// <param name="due">Nanoseconds on the scale of <see cref="Now"/>; an instant in the past returns at once.</param>
    /// <exception cref="OperationCanceledException">The proxy is ending.</exception>
    public abstract void WaitUntil(long due, CancellationToken cancellationToken);
}
