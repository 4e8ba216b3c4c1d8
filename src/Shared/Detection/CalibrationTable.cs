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

    private const double Width = 0.1;
    private static readonly int[] s_last = [0, 1, 2, 5, 10, 20, 50, 100];
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
}
