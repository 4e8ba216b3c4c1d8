namespace FinanceIngest.Bench.Delay;

/// <summary>
/// How much later than asked pieces of data left the proxy, in buckets of ten microseconds, and from 20 ms on of one millisecond. Any number of threads may
/// add.
/// </summary>
internal sealed class Lateness
{
    private const long FineNanoseconds = 10_000;
    private const int FineBuckets = 2000;
    private const long CoarseNanoseconds = 1_000_000;
    private const int CoarseBuckets = 10_000;
    private const long Fine = FineNanoseconds * FineBuckets;

    // The last bucket holds whatever is above ten seconds.
    private readonly long[] _counts = new long[FineBuckets + CoarseBuckets + 1];
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
        long bucket = nanoseconds < Fine ? nanoseconds / FineNanoseconds : FineBuckets + ((nanoseconds - Fine) / CoarseNanoseconds);
        Interlocked.Increment(ref _counts[Math.Min(bucket, _counts.Length - 1)]);
        long highest = Interlocked.Read(ref _highest);
        while (nanoseconds > highest)
        {
            highest = Interlocked.CompareExchange(ref _highest, nanoseconds, highest);
        }
    }

    /// <summary>
    /// Returns the microseconds that <paramref name="percent"/> of the pieces were not later than, rounded up to the end of the bucket; 0 when there was none.
    /// Above ten seconds it is the highest of all.
    /// </summary>
    /// <param name="percent">0 … 100.</param>
    public double PercentileMicroseconds(double percent)
    {
        long count = Count;
        long wanted = (long)Math.Ceiling(count * percent / 100);
        long seen = 0;
        for (int bucket = 0; bucket < _counts.Length - 1; bucket++)
        {
            seen += Interlocked.Read(ref _counts[bucket]);
            if (count > 0 && seen >= Math.Max(wanted, 1))
            {
                long end = bucket < FineBuckets ? (bucket + 1) * FineNanoseconds : Fine + ((bucket + 1 - FineBuckets) * CoarseNanoseconds);
                return Math.Min(end / 1000.0, HighestMicroseconds);
            }
        }

        return HighestMicroseconds;
    }
}
