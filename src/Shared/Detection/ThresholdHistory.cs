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

    private readonly List<Week> _weeks = [];

    /// <summary>The thresholds that hold now.</summary>
    public AlertThresholds Thresholds { get; private set; } = AlertThresholds.For(new OddsTable(), 0, alertsPerUserMonth);

    /// <summary>Adds a row that was scored.</summary>
    public void Add(int bin, long user, DateTime time)
    {
        int number = Days.Of(time) / 7;
        if (_weeks.Count == 0 || _weeks[^1].Number < number)
        {
            _weeks.Add(new Week(number));
        }

        Week week = _weeks[^1];
        week.Table.Add(bin, 1);
        week.Users.Add(user);
    }

    /// <summary>Makes the thresholds anew.</summary>
    public void Renew(DateTime now)
    {
        _weeks.RemoveAll(week => week.Number < (Days.Of(now) / 7) - MostWeeks);
        var table = new OddsTable();
        HashSet<long> users = [];
        double months = 0;
        for (int i = _weeks.Count - 1; i >= 0; i--)
        {
            for (int bin = 0; bin < OddsTable.Bins; bin++)
            {
                table.Add(bin, _weeks[i].Table.Counts[bin]);
            }

            users.UnionWith(_weeks[i].Users);
            double days = Days.Of(now) - (_weeks[i].Number * 7);
            months = users.Count * days / MonthDays;
            if (_weeks.Count - i >= FewestWeeks && months * alertsPerUserMonth * AlertThresholds.RarelyFactor >= EnoughAlerts)
            {
                break;
            }
        }

        Thresholds = AlertThresholds.For(table, months, alertsPerUserMonth);
    }

    private sealed record Week(int Number)
    {
        public OddsTable Table { get; } = new();

        public HashSet<long> Users { get; } = [];
    }
}
