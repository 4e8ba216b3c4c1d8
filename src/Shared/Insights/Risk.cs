using System.Globalization;

namespace FinanceIngest.Insights;

/// <summary>A rough indicator of how much a category deserves a look, with the reason that decided it.</summary>
/// <param name="Level"><c>low</c>, <c>medium</c> or <c>high</c>.</param>
/// <param name="Code">The reason: <c>many_anomalies</c>, <c>anomalies</c>, <c>above_usual_month</c>, <c>rising</c>, <c>too_little</c> or
/// <c>nothing</c>.</param>
/// <param name="Reason">The reason in one sentence.</param>
internal sealed record Risk(string Level, string Code, string Reason)
{
    /// <summary>Days, before the present, whose anomalies count.</summary>
    public const int RecentDays = 90;

    /// <summary>So many recent anomalies are many.</summary>
    public const int Many = 3;

    /// <summary>Fewer transactions than this say nothing of a category.</summary>
    public const int Fewest = 8;

    /// <summary>The first rule that applies decides.</summary>
    /// <param name="count">Transactions of the whole period.</param>
    /// <param name="recentAnomalies">Anomalies of the last <see cref="RecentDays"/> days.</param>
    /// <param name="trend">The trend of the full months.</param>
    /// <param name="months">The totals of the full months, oldest first.</param>
    public static Risk Of(long count, long recentAnomalies, Trend? trend, IReadOnlyList<double> months)
    {
        string days = RecentDays.ToString(CultureInfo.InvariantCulture);
        if (recentAnomalies >= Many)
        {
            return new Risk("high", "many_anomalies", string.Create(CultureInfo.InvariantCulture, $"{recentAnomalies} anomalies in the last {days} days."));
        }

        if (recentAnomalies > 0)
        {
            return new Risk(
                "medium", "anomalies",
                string.Create(CultureInfo.InvariantCulture, $"{recentAnomalies} {(recentAnomalies == 1 ? "anomaly" : "anomalies")} in the last {days} days."));
        }

        if (count < Fewest)
        {
            return new Risk("low", "too_little", "Too few transactions to say more.");
        }

        // The last full month against the highest of those before it, as a box plot's whisker would have it (J. W. Tukey, "Exploratory Data Analysis", 1977).
        if (months.Count > Trend.FewestMonths)
        {
            double[] before = [.. months.SkipLast(1).Order()];
            double upper = Trend.Quantile(before, 0.75);
            double fence = upper + (1.5 * (upper - Trend.Quantile(before, 0.25)));
            if (months[^1] > fence && months[^1] > before[^1])
            {
                return new Risk("medium", "above_usual_month", "The last full month lies above every month before it, by more than they vary.");
            }
        }

        return trend is { Direction: > 0 }
            ? new Risk("medium", "rising", "The months' totals are rising.")
            : new Risk("low", "nothing", "Nothing out of the ordinary.");
    }
}
