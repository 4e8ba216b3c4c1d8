namespace FinanceIngest.Detection;

/// <summary>
/// What was seen in the last weeks, week by week, and the thresholds that follow from it. As few weeks as are enough count, so that thresholds follow what
/// changes; where there are few users, up to a year does.
/// </summary>
/// <param name="alertsPerUserMonth">The budget.</param>
internal sealed class ThresholdHistory(double alertsPerUserMonth)
{
    /// <summary>Days of a month, as budgets count them.</summary>
    public const double MonthDays = 30.4;

    private const int FewestWeeks = 4;
    private const int MostWeeks = 52;

    // So many alerts make a quantile that can be trusted to a tenth.
    private const double EnoughAlerts = 100;

    private readonly SortedDictionary<int, Week> _weeks = [];
    private Week? _last;

    /// <summary>The thresholds that hold now.</summary>
    public AlertThresholds Thresholds { get; private set; } = AlertThresholds.For(new OddsTable(), 0, alertsPerUserMonth);

    /// <summary>Adds a row that was scored; rows may come in any order.</summary>
    public void Add(int bin, long user, DateTime time)
    {
        int number = WeekOf(time);
        if (_last?.Number != number && !_weeks.TryGetValue(number, out _last))
        {
            _weeks.Add(number, _last = new Week(number));
        }

        _last!.Table.Add(bin, 1);
        _last.Users.Add(user);
    }

    /// <summary>Returns the number of a time's week.</summary>
    public static int WeekOf(DateTime time) => Days.Of(time) / 7;

    /// <summary>Returns whether the weeks that were added are enough for thresholds as of a time, so that earlier ones don't count.</summary>
    public bool IsEnough(DateTime now) => Sum(now).IsEnough;

    /// <summary>Makes the thresholds anew.</summary>
    public void Renew(DateTime now)
    {
        foreach (int old in _weeks.Keys.Where(number => number < WeekOf(now) - MostWeeks).ToList())
        {
            _weeks.Remove(old);
        }

        _last = null;
        (OddsTable table, double months, _) = Sum(now);
        Thresholds = AlertThresholds.For(table, months, alertsPerUserMonth);
    }

    private (OddsTable Table, double Months, bool IsEnough) Sum(DateTime now)
    {
        var table = new OddsTable();
        HashSet<long> users = [];
        double months = 0;
        int counted = 0;
        foreach (Week week in _weeks.Values.Reverse())
        {
            for (int bin = 0; bin < OddsTable.Bins; bin++)
            {
                table.Add(bin, week.Table.Counts[bin]);
            }

            users.UnionWith(week.Users);
            counted++;
            double days = Math.Max(Days.Of(now) - (week.Number * 7), 0);
            months = users.Count * days / MonthDays;
            if (counted >= FewestWeeks && months * alertsPerUserMonth * AlertThresholds.RarelyFactor >= EnoughAlerts)
            {
                return (table, months, true);
            }
        }

        return (table, months, false);
    }

    private sealed record Week(int Number)
    {
        public OddsTable Table { get; } = new();

        public HashSet<long> Users { get; } = [];
    }
}
