using System.Buffers.Binary;

namespace FinanceIngest.Detection;

/// <summary>
/// How rare it is, in a category, that anybody pays that much: the upper tail of everybody's amounts, row by row, as a table over log amounts. It is
/// the mixture of what
/// the states say of each user, so it knows no single row, and a suspicious row counts in it as little as it was learned.
/// </summary>
internal sealed class AmountTail
{
    /// <summary>Bins of the table.</summary>
    public const int Bins = 48;

    // Log amounts between two entries: a fifth of a deviation.
    private const double Step = 0.2;
    private const double First = -3;
    private const double Least = 1e-9;

    private readonly float[] _logTails;

    /// <summary>What holds while there are too few users: log amounts are normal.</summary>
    public static AmountTail OfNormal { get; } = Of(SpecialFunctions.NormalUpperTail);

    private AmountTail(float[] logTails) => _logTails = logTails;

    /// <summary>Returns −log₁₀ of the share of amounts that are higher, ≥ 0.</summary>
    /// <param name="size">Deviations above everybody's log mean.</param>
    public double RarityOf(double size)
    {
        double at = Math.Clamp((size - First) / Step, 0, Bins - 1.001);
        int bin = (int)at;
        return _logTails[bin] + ((at - bin) * (_logTails[bin + 1] - _logTails[bin]));
    }

    /// <summary>Returns the table of a distribution.</summary>
    /// <param name="tailOf">Share of amounts above a size, in deviations above everybody's log mean.</param>
    public static AmountTail Of(Func<double, double> tailOf)
    {
        float[] logs = new float[Bins];
        for (int i = 0; i < Bins; i++)
        {
            logs[i] = (float)-Math.Log10(Math.Clamp(tailOf(First + (i * Step)), Least, 1));
        }

        return new AmountTail(logs);
    }

    /// <summary>Writes the table, little-endian.</summary>
    /// <param name="destination">At least 4 × <see cref="Bins"/> bytes.</param>
    public void Write(Span<byte> destination)
    {
        for (int i = 0; i < Bins; i++)
        {
            BinaryPrimitives.WriteSingleLittleEndian(destination[(4 * i)..], _logTails[i]);
        }
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    public static AmountTail Read(ReadOnlySpan<byte> source)
    {
        float[] logs = new float[Bins];
        for (int i = 0; i < Bins; i++)
        {
            logs[i] = BinaryPrimitives.ReadSingleLittleEndian(source[(4 * i)..]);
        }

        return new AmountTail(logs);
    }
}
