using System.Buffers.Binary;

namespace FinanceIngest.Detection;

/// <summary>
/// What verdicts in a category say about sizes: of the transactions of a size that somebody judged, how many were bad, and how many the detector
/// expected to be.
/// Counts add up and are taken out again when a verdict is withdrawn.
/// </summary>
internal sealed class VerdictTable
{
    /// <summary>Bins of the table, a quarter of a log amount wide.</summary>
    public const int Bins = 160;

    private const double Width = 0.25;
    private const double Least = -5;

    // Verdicts that agree with the detector, worth as much as those that were given.
    private const double Prior = 4;
    private readonly long[] _bad = new long[Bins];
    private readonly long[] _fine = new long[Bins];
    private readonly long[] _expected = new long[Bins];

    /// <summary>Units of an expected bad transaction.</summary>
    public const int Scale = 1_000_000;

    private const byte Version = 1;
    private const int Head = 4;

    /// <summary>Whether no verdict is counted.</summary>
    public bool IsEmpty => Array.TrueForAll(_bad, static count => count == 0) && Array.TrueForAll(_fine, static count => count == 0);

    /// <summary>Writes the counts, little-endian: of each bin that has any, its number and the three counts.</summary>
    public byte[] ToBytes()
    {
        int[] used = [.. Enumerable.Range(0, Bins).Where(bin => _bad[bin] != 0 || _fine[bin] != 0 || _expected[bin] != 0)];
        byte[] bytes = new byte[Head + (used.Length * (sizeof(int) + (3 * sizeof(long))))];
        bytes[0] = Version;
        int at = Head;
        foreach (int bin in used)
        {
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(at), bin);
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(at + 4), _bad[bin]);
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(at + 12), _fine[bin]);
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(at + 20), _expected[bin]);
            at += 28;
        }

        return bytes;
    }

    /// <summary>Reads what <see cref="ToBytes"/> wrote.</summary>
    /// <exception cref="FormatException">The bytes are not a table of a version that this program knows.</exception>
    public static VerdictTable Read(ReadOnlySpan<byte> source)
    {
        if (source.Length < Head || source[0] != Version || (source.Length - Head) % 28 != 0)
        {
            throw new FormatException(FormattableString.Invariant($"A table of verdicts has {source.Length} bytes; this program reads version {Version}."));
        }

        var table = new VerdictTable();
        for (int at = Head; at < source.Length; at += 28)
        {
            int bin = BinaryPrimitives.ReadInt32LittleEndian(source[at..]);
            table._bad[bin] = BinaryPrimitives.ReadInt64LittleEndian(source[(at + 4)..]);
            table._fine[bin] = BinaryPrimitives.ReadInt64LittleEndian(source[(at + 12)..]);
            table._expected[bin] = BinaryPrimitives.ReadInt64LittleEndian(source[(at + 20)..]);
        }

        return table;
    }

    /// <summary>Returns the bin of an amount.</summary>
    public static int BinOf(double amount) => Math.Clamp((int)Math.Floor((Math.Log(Math.Max(Math.Abs(amount), 0.01)) - Least) / Width), 0, Bins - 1);

    /// <summary>Adds a verdict, or takes it out.</summary>
    /// <param name="amount">The transaction's amount.</param>
    /// <param name="verdict">The verdict.</param>
    /// <param name="suspicion">What the detector expected, 0 … 1.</param>
    /// <param name="count">1, or −1 to take the verdict out.</param>
    public void Add(double amount, FeedbackVerdict verdict, double suspicion, int count = 1)
    {
        int bin = BinOf(amount);
        (verdict == FeedbackVerdict.Unexpected ? _bad : _fine)[bin] += count;
        _expected[bin] += count * (long)Math.Round(Math.Clamp(suspicion, 0, 1) * Scale);
    }

    /// <summary>Returns what the verdicts add to the log odds of an amount: the difference of what was seen and what was expected, smoothed over two
    /// neighbours.</summary>
    public double CorrectionFor(double amount)
    {
        int bin = BinOf(amount);
        double bad = 0, all = 0, expected = 0;
        for (int apart = -2; apart <= 2; apart++)
        {
            int at = bin + apart;
            if (at is < 0 or >= Bins)
            {
                continue;
            }

            double weight = 1 - (Math.Abs(apart) / 3.0);
            bad += weight * _bad[at];
            all += weight * (_bad[at] + _fine[at]);
            expected += weight * _expected[at] / Scale;
        }

        if (all <= 0)
        {
            return 0;
        }

        double mean = Math.Clamp(expected / all, 0.01, 0.99);
        return SpecialFunctions.Logit((bad + (Prior * mean)) / (all + Prior)) - SpecialFunctions.Logit(mean);
    }
}
