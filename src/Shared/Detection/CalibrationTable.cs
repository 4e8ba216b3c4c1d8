namespace FinanceIngest.Detection;

/// <summary>
/// Counts of rows by their surprise and by how many rows were known, from which follows whether one in a hundred is one in a hundred: integers, so
/// that they add up
/// in any order, and a row is taken out again. Apart by rows known, as Mondrian conformal prediction does (Vovk, Gammerman and Shafer 2005).
/// </summary>
internal sealed class CalibrationTable
{
    /// <summary>Bins of −log₁₀ of the surprise, a tenth wide; the last holds all beyond.</summary>
    public const int Bins = 64;

    /// <summary>Buckets of rows known: 0, 1, 2, 3–5, 6–10, 11–20, 21–50, 51–100 and more.</summary>
    public const int Buckets = 9;

    /// <summary>Width of a bin.</summary>
    public const double Width = 0.1;

    private static readonly int[] s_last = [0, 1, 2, 5, 10, 20, 50, 100];

    // The first renewals knew nearly nothing: what was surprising by them says nothing of later ones.
    private const int FirstVersion = 8;

    // A row that was learned by less is more likely bad than not.
    private const float LeastWeight = 0.5f;

    private readonly long[] _counts = new long[Buckets * Bins];

    /// <summary>Returns the bin of a surprise.</summary>
    public static byte BinOf(double surprise) => (byte)Math.Clamp((int)(-Math.Log10(Math.Max(surprise, 1e-300)) / Width), 0, Bins - 1);

    /// <summary>Returns the bucket of a number of rows.</summary>
    public static byte BucketOf(int rows)
    {
        byte bucket = 0;
        while (bucket < s_last.Length && rows > s_last[bucket])
        {
            bucket++;
        }

        return bucket;
    }

    /// <summary>Adds what a row contributed, if it speaks of ordinary rows: neither suspicious nor scored by one of the first renewals.</summary>
    public void Apply(in Contribution row) => Add(row, 1);

    /// <summary>Takes out what a row contributed.</summary>
    public void Remove(in Contribution row) => Add(row, -1);

    /// <summary>Adds the rows of another table.</summary>
    public void Add(CalibrationTable other)
    {
        for (int i = 0; i < _counts.Length; i++)
        {
            _counts[i] += other._counts[i];
        }
    }

    /// <summary>Adds rows, or takes them out when <paramref name="rows"/> is negative.</summary>
    public void Add(int bucket, int bin, long rows = 1) => _counts[(bucket * Bins) + bin] += rows;

    /// <summary>Returns the rows of a bucket, and how many of them were at least so surprising.</summary>
    /// <param name="bucket">The bucket.</param>
    /// <param name="bin">The first bin that counts.</param>
    public (long Rows, long AtLeast) Count(int bucket, int bin)
    {
        long rows = 0, atLeast = 0;
        for (int i = 0; i < Bins; i++)
        {
            long count = _counts[(bucket * Bins) + i];
            rows += count;
            atLeast += i >= bin ? count : 0;
        }

        return (rows, atLeast);
    }

    /// <summary>Rows of all buckets.</summary>
    public long Rows
    {
        get
        {
            long rows = 0;
            foreach (long count in _counts)
            {
                rows += count;
            }

            return rows;
        }
    }

    /// <summary>Returns the share of rows in a bin when a surprise is what it says.</summary>
    public static double ShareAsPromised(int bin) => Math.Pow(10, -bin * Width) - (bin == Bins - 1 ? 0 : Math.Pow(10, -(bin + 1) * Width));

    /// <summary>Sums a bucket and, until there are enough rows, its neighbours on both sides.</summary>
    /// <param name="bucket">The bucket.</param>
    /// <param name="enough">How many rows are enough.</param>
    /// <param name="counts">Receives the rows by bin; <see cref="Bins"/> of them.</param>
    /// <returns>The rows.</returns>
    public long Joined(int bucket, long enough, Span<double> counts)
    {
        counts.Clear();
        long rows = 0;
        for (int apart = 0; apart < Buckets && rows < enough; apart++)
        {
            rows += AddTo(counts, bucket - apart) + (apart == 0 ? 0 : AddTo(counts, bucket + apart));
        }

        return rows;
    }

    private long AddTo(Span<double> counts, int bucket)
    {
        long rows = 0;
        for (int bin = 0; bucket is >= 0 and < Buckets && bin < Bins; bin++)
        {
            counts[bin] += _counts[(bucket * Bins) + bin];
            rows += _counts[(bucket * Bins) + bin];
        }

        return rows;
    }

    private void Add(in Contribution row, int sign)
    {
        if (row.Weight >= LeastWeight && row.PriorVersion >= FirstVersion)
        {
            Add(row.CountBucket, row.SurpriseBin, sign);
        }
    }
}
