namespace FinanceIngest.Insights;

/// <summary>
/// Whether monthly totals rise or fall: the slope is that of Theil and Sen, the median of the slopes between all pairs of months (P. K. Sen, "Estimates of the
/// regression coefficient based on Kendall's tau", Journal of the American Statistical Association 63, 1968), and the direction is that of the test of Mann and
/// Kendall (H. B. Mann, "Nonparametric tests against trend", Econometrica 13, 1945; M. G. Kendall, "Rank Correlation Methods", 1975) at five percent,
/// two-sided.
/// Neither is moved by a single extraordinary month.
/// </summary>
/// <param name="PerMonth">By how much a month's total changes from month to month, in the currency's unit.</param>
/// <param name="Direction">−1 falling, 1 rising, 0 neither for certain.</param>
internal sealed record Trend(double PerMonth, int Direction)
{
    /// <summary>With fewer months the test can't tell anything.</summary>
    public const int FewestMonths = 6;

    private const double Critical = 1.959964;

    /// <summary>The trend of totals of consecutive full months, oldest first; null with fewer than <see cref="FewestMonths"/>.</summary>
    public static Trend? Of(IReadOnlyList<double> totals)
    {
        if (totals.Count < FewestMonths)
        {
            return null;
        }

        var slopes = new List<double>(totals.Count * (totals.Count - 1) / 2);
        int s = 0;
        for (int later = 1; later < totals.Count; later++)
        {
            for (int earlier = 0; earlier < later; earlier++)
            {
                double difference = totals[later] - totals[earlier];
                slopes.Add(difference / (later - earlier));
                s += Math.Sign(difference);
            }
        }

        double n = totals.Count;
        double ties = totals.GroupBy(total => total).Sum(group => group.Count() * (group.Count() - 1.0) * ((2 * group.Count()) + 5));
        double variance = ((n * (n - 1) * ((2 * n) + 5)) - ties) / 18;

        // The continuity correction: S takes whole numbers.
        double z = variance <= 0 || s == 0 ? 0 : (s - Math.Sign(s)) / Math.Sqrt(variance);
        return new Trend(Quantile([.. slopes.Order()], 0.5), Math.Abs(z) > Critical ? Math.Sign(z) : 0);
    }

    /// <summary>A quantile of sorted values, interpolated between neighbours (type 7 of R. J. Hyndman and Y. Fan, The American Statistician 50,
    /// 1996).</summary>
    /// <param name="sorted">At least one value, the least first.</param>
    /// <param name="part">0 … 1.</param>
    public static double Quantile(IReadOnlyList<double> sorted, double part)
    {
        double place = (sorted.Count - 1) * part;
        int below = (int)place;
        return below + 1 >= sorted.Count ? sorted[below] : sorted[below] + ((place - below) * (sorted[below + 1] - sorted[below]));
    }
}
