namespace FinanceIngest.Detection;

/// <summary>
/// How rare it is, in a category, that anybody pays that much: the upper tail of everybody's amounts, row by row, as a table over log amounts. It is the mixture of what
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

    private readonly double[] _logTails;

    /// <summary>Makes a table.</summary>
    public AmountTail(double[] logTails) => _logTails = logTails;

    /// <summary>Returns −log₁₀ of the share of amounts that are higher, ≥ 0.</summary>
    /// <param name="size">Deviations above everybody's log mean.</param>
    public double RarityOf(double size)
    {
        double at = Math.Clamp((size - First) / Step, 0, Bins - 1.001);
        int bin = (int)at;
        return _logTails[bin] + ((at - bin) * (_logTails[bin + 1] - _logTails[bin]));
    }

    /// <summary>Returns the entries of a table for a mixture.</summary>
    /// <param name="tailOf">Share of amounts above a size.</param>
    public static AmountTail Of(Func<double, double> tailOf)
    {
        double[] logs = new double[Bins];
        for (int i = 0; i < Bins; i++)
        {
            logs[i] = -Math.Log10(Math.Clamp(tailOf(First + (i * Step)), Least, 1));
        }

        return new AmountTail(logs);
    }
}
