using System.Buffers.Binary;

namespace FinanceIngest.Detection;

/// <summary>
/// What a surprise is worth in a category: how often rows were as surprising as that, by how many rows were known of the user. Made anew from counts
/// (<see cref="CalibrationTable"/>) at each renewal, and immutable.
/// </summary>
/// <remarks>
/// Up to the surprise of one row in twenty, quantiles of what was seen (Mondrian conformal prediction, Vovk, Gammerman and Shafer 2005). Beyond it an
/// exponential tail of −log₁₀ of the surprise (peaks over threshold, Siffer et al. 2017, with ξ = 0), as holds where the detector is right. Its scale comes
/// from the median of the excess: bad rows are few, and the mean is theirs.
/// </remarks>
internal sealed class SurpriseCalibration
{
    /// <summary>Bytes of the encoded calibration.</summary>
    public const int Size = 4 * CalibrationTable.Buckets * Figures;

    // −log₁₀ of a half, a fifth, a tenth and a twentieth.
    private static readonly double[] s_levels = [0.30102999566398120, 0.69897000433601881, 1, 1.3010299956639812];

    // For each bucket: the −log₁₀ of the surprise at these levels, and the slope beyond the last of them.
    private const int Knots = 4;
    private const int Figures = Knots + 1;

    // Buckets are joined with their neighbours until they have so many rows.
    private const long EnoughRows = 300;

    // So many rows' worth the calibration believes the detector.
    private const double RowsAsPromised = 200;

    // Few rows never show that a tail is thinner than the detector says, and of a heavier one they show no more than this.
    private const double LeastSlope = 0.25;
    private const double MostSlope = 1;

    private readonly float[] _figures;

    private SurpriseCalibration(float[] figures) => _figures = figures;

    /// <summary>What holds before anything was seen: a surprise is what it says.</summary>
    public static SurpriseCalibration AsPromised { get; } = Of(new CalibrationTable());

    /// <summary>Makes the calibration of a table.</summary>
    public static SurpriseCalibration Of(CalibrationTable table)
    {
        float[] figures = new float[CalibrationTable.Buckets * Figures];
        double[] counts = new double[CalibrationTable.Bins];
        for (int bucket = 0; bucket < CalibrationTable.Buckets; bucket++)
        {
            double rows = table.Joined(bucket, EnoughRows, counts);
            for (int bin = 0; bin < CalibrationTable.Bins; bin++)
            {
                counts[bin] += RowsAsPromised * CalibrationTable.ShareAsPromised(bin);
            }

            Fill(counts, rows + RowsAsPromised, figures.AsSpan(bucket * Figures, Figures));
        }

        return new SurpriseCalibration(figures);
    }

    /// <summary>Returns how often a row is as surprising, 0 … 1.</summary>
    /// <param name="surprise">What the detector says, 0 … 1.</param>
    /// <param name="bucket">The bucket of the rows known, see <see cref="CalibrationTable.BucketOf"/>.</param>
    public double Of(double surprise, int bucket) => Math.Pow(10, -LevelOf(-Math.Log10(Math.Max(surprise, 1e-300)), bucket));

    /// <summary>Returns −log₁₀ of how often a row is as surprising, ≥ 0.</summary>
    /// <param name="surprise">−log₁₀ of what the detector says, ≥ 0.</param>
    /// <param name="bucket">The bucket of the rows known.</param>
    public double LevelOf(double surprise, int bucket)
    {
        ReadOnlySpan<float> figures = _figures.AsSpan(bucket * Figures, Figures);
        if (surprise >= figures[Knots - 1])
        {
            return s_levels[Knots - 1] + (figures[Knots] * (surprise - figures[Knots - 1]));
        }

        double from = 0, level = 0;
        int knot = 0;
        while (surprise >= figures[knot])
        {
            (from, level) = (figures[knot], s_levels[knot]);
            knot++;
        }

        return level + ((s_levels[knot] - level) / (figures[knot] - from) * (Math.Max(surprise, 0) - from));
    }

    /// <summary>Writes the calibration, little-endian.</summary>
    /// <param name="destination">At least <see cref="Size"/> bytes.</param>
    public void Write(Span<byte> destination)
    {
        for (int i = 0; i < _figures.Length; i++)
        {
            BinaryPrimitives.WriteSingleLittleEndian(destination[(4 * i)..], _figures[i]);
        }
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    public static SurpriseCalibration Read(ReadOnlySpan<byte> source)
    {
        float[] figures = new float[CalibrationTable.Buckets * Figures];
        for (int i = 0; i < figures.Length; i++)
        {
            figures[i] = BinaryPrimitives.ReadSingleLittleEndian(source[(4 * i)..]);
        }

        return new SurpriseCalibration(figures);
    }

    private static void Fill(ReadOnlySpan<double> counts, double rows, Span<float> figures)
    {
        double last = 0;
        for (int knot = 0; knot < Knots; knot++)
        {
            last = Math.Max(QuantileOf(counts, rows * Math.Pow(10, -s_levels[knot])), last + 1e-3);
            figures[knot] = (float)last;
        }

        // Half of the rows of the tail lie beyond this, and would lie log₁₀ 2 further than its beginning.
        double middle = QuantileOf(counts, rows * Math.Pow(10, -s_levels[Knots - 1]) / 2);
        figures[Knots] = (float)Math.Clamp(s_levels[0] / Math.Max(middle - last, 1e-3), LeastSlope, MostSlope);
    }

    // The −log₁₀ of the surprise above which so many rows lie. The rows of a bin are taken as spread evenly over it.
    private static double QuantileOf(ReadOnlySpan<double> counts, double above)
    {
        double passed = 0;
        for (int bin = counts.Length - 1; bin >= 0; bin--)
        {
            if (passed + counts[bin] >= above)
            {
                return (bin + 1 - ((above - passed) / counts[bin])) * CalibrationTable.Width;
            }

            passed += counts[bin];
        }

        return 0;
    }
}
