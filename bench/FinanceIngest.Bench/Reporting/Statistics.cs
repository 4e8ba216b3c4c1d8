namespace FinanceIngest.Bench.Reporting;

/// <summary>Order statistics.</summary>
internal static class Statistics
{
    public static double Median(IReadOnlyCollection<double> values) => Percentile(values, 50);

    /// <summary>
    /// Returns a percentile by linear interpolation between the closest ranks (https://www.itl.nist.gov/div898/handbook/prc/section2/prc262.htm).
    /// </summary>
    public static double Percentile(IReadOnlyCollection<double> values, double percent)
    {
        double[] sorted = [.. values.Order()];
        double at = percent / 100 * (sorted.Length - 1);
        int below = (int)at;
        return below + 1 < sorted.Length ? sorted[below] + ((at - below) * (sorted[below + 1] - sorted[below])) : sorted[below];
    }
}
