namespace FinanceIngest.Bench.Delay;

/// <summary>How much later than asked pieces of data left the proxy, in buckets of ten microseconds. Any number of threads may add.</summary>
internal sealed class Lateness
{
    private const long BucketNanoseconds = 10_000;
    private const int Buckets = 2000;
    private readonly long[] _counts = new long[Buckets + 1];
    private long _highest;
    private long _entered;

    /// <summary>The number of pieces that have entered the proxy.</summary>
    public long Entered => Interlocked.Read(ref _entered);

    /// <summary>The number of pieces that have left it.</summary>
    public long Count => _counts.Sum();

    /// <summary>The greatest lateness in microseconds.</summary>
    public double HighestMicroseconds => Interlocked.Read(ref _highest) / 1000.0;

    /// <summary>Counts a piece that enters.</summary>
    public void Enter() => Interlocked.Increment(ref _entered);

    /// <summary>Adds a piece that leaves.</summary>
    /// <param name="nanoseconds">≥ 0: the time from when the piece was due until it was sent.</param>
    public void Add(long nanoseconds)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(nanoseconds);
        Interlocked.Increment(ref _counts[Math.Min(nanoseconds / BucketNanoseconds, Buckets)]);
        long highest = Interlocked.Read(ref _highest);
        while (nanoseconds > highest)
        {
            highest = Interlocked.CompareExchange(ref _highest, nanoseconds, highest);
        }
    }

    /// <summary>
    /// Returns the microseconds that <paramref name="percent"/> of the pieces were not later than, rounded up to the end of the bucket; 0 when there was none.
    /// From 20 ms on it is the highest of all.
    /// </summary>
    /// <param name="percent">0 … 100.</param>
    public double PercentileMicroseconds(double percent)
    {
        long count = Count;
        long wanted = (long)Math.Ceiling(count * percent / 100);
        long seen = 0;
        for (int bucket = 0; bucket < Buckets; bucket++)
        {
            seen += Interlocked.Read(ref _counts[bucket]);
            if (count > 0 && seen >= Math.Max(wanted, 1))
            {
                return Math.Min((bucket + 1) * BucketNanoseconds / 1000.0, HighestMicroseconds);
            }
        }

        return HighestMicroseconds;
    }
}
