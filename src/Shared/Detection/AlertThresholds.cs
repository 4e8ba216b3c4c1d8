namespace FinanceIngest.Detection;

/// <summary>How often somebody wants to hear of anomalies.</summary>
internal enum AlertLevel
{
    /// <summary>Never.</summary>
    Never,

    /// <summary>0.4 times as often as normal.</summary>
    Rarely,

    /// <summary>As often as <c>AlertsPerUserMonth</c> says.</summary>
    Normal,

    /// <summary>Four times as often as normal.</summary>
    Often,
}

/// <summary>
/// Counts of rows by their odds, from which the odds follow that spend a budget of alerts: integers, so that they add up in any order, and a row is
/// taken out again.
/// </summary>
internal sealed class OddsTable
{
    /// <summary>Bins of the table; a bin fits into nine bits.</summary>
    public const int Bins = 512;

    // Odds below −10 and above 41 share a bin with these.
    private const double Least = -10;
    private const double Step = 0.1;

    private readonly long[] _counts = new long[Bins];

    /// <summary>Counts, by bin.</summary>
    public ReadOnlySpan<long> Counts => _counts;

    /// <summary>Rows counted.</summary>
    public long Rows { get; private set; }

    /// <summary>Returns the bin of a judgement. What is not surprising enough to be told is in the lowest.</summary>
    public static ushort BinOf(double odds, bool mayAlert) => mayAlert ? (ushort)Math.Clamp((int)Math.Floor((odds - Least) / Step), 0, Bins - 1) : (ushort)0;

    /// <summary>Returns the least odds of a bin.</summary>
    public static double OddsOf(double bin) => Least + (bin * Step);

    /// <summary>Adds rows of a bin, or takes them out when <paramref name="rows"/> is negative.</summary>
    public void Add(int bin, long rows)
    {
        _counts[bin] += rows;
        Rows += rows;
    }
}

/// <summary>
/// The odds from which on a transaction is an anomaly, for each level: such that as many are as the budget allows. Renewed from what was seen
/// (Siffer et al. 2017
/// do likewise with the tail of a stream). "Alerts", not "false alerts": without answers the two cannot be told apart.
/// </summary>
/// <param name="Rarely">For <see cref="AlertLevel.Rarely"/>.</param>
/// <param name="Normal">For <see cref="AlertLevel.Normal"/>.</param>
/// <param name="Often">For <see cref="AlertLevel.Often"/>.</param>
internal readonly record struct AlertThresholds(double Rarely, double Normal, double Often)
{
    /// <summary>An anomaly is at least this unusual, whatever its odds: what a user spends once in thirty times is nobody's news.</summary>
    public const double MostUnusual = 0.03;

    /// <summary>What <see cref="AlertLevel.Rarely"/> means, in parts of the budget.</summary>
    public const double RarelyFactor = 0.4;

    /// <summary>What <see cref="AlertLevel.Often"/> means, in parts of the budget.</summary>
    public const double OftenFactor = 4;

    // Before anything was seen: alerts in a user's month above odds of zero, and by what factor they grow rarer with each unit of the odds. They
    // weigh this many
    // months of one user.
    private const double StartRate = 0.5;
    private const double StartDecay = 0.6;
    private const double StartMonths = 1;

    /// <summary>Returns the thresholds for a budget.</summary>
    /// <param name="table">Rows by their odds.</param>
    /// <param name="userMonths">The months, of 30.4 days, in which users spent these rows, added up over the users.</param>
    /// <param name="alertsPerUserMonth">The budget of <see cref="AlertLevel.Normal"/>; &gt; 0.</param>
    public static AlertThresholds For(OddsTable table, double userMonths, double alertsPerUserMonth) => new(
        ThresholdOf(table, userMonths, alertsPerUserMonth * RarelyFactor),
        ThresholdOf(table, userMonths, alertsPerUserMonth),
        ThresholdOf(table, userMonths, alertsPerUserMonth * OftenFactor));

    /// <summary>Returns the odds from which on there are alerts at a level.</summary>
    public double Of(AlertLevel level) => level switch
    {
        AlertLevel.Rarely => Rarely,
        AlertLevel.Normal => Normal,
        AlertLevel.Often => Often,
        _ => double.PositiveInfinity,
    };

    /// <summary>Returns whether a judgement is an anomaly at a level.</summary>
    public bool IsAnomaly(in Judgement judgement, AlertLevel level) => judgement.IsKnown && judgement.Unusual < MostUnusual && judgement.Odds >= Of(level);

    private static double ThresholdOf(OddsTable table, double userMonths, double budget)
    {
        double wanted = budget * (userMonths + StartMonths);
        double above = 0;
        for (int bin = OddsTable.Bins - 1; bin > 0; bin--)
        {
            double more = above + table.Counts[bin];
            if (more + Expected(bin) > wanted)
            {
                return CrossingIn(bin, above, table.Counts[bin], wanted);
            }

            above = more;
        }

        return OddsTable.OddsOf(1);
    }

    // The rows of a bin are taken as spread evenly over it.
    private static double CrossingIn(int bin, double above, double count, double wanted)
    {
        double low = 0, high = 1;
        for (int i = 0; i < 20; i++)
        {
            double middle = (low + high) / 2;
            (low, high) = above + (count * (1 - middle)) + Expected(bin + middle) > wanted ? (middle, high) : (low, middle);
        }

        return OddsTable.OddsOf(bin + high);
    }

    private static double Expected(double bin) => StartMonths * StartRate * Math.Exp(-StartDecay * OddsTable.OddsOf(bin));
}
