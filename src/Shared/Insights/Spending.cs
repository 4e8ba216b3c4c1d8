using FinanceIngest.Results;

namespace FinanceIngest.Insights;

/// <summary>A user's spending in a category, or in all together, month by month.</summary>
internal sealed class Spending
{
    private readonly List<double> _amounts = [];
    private readonly SpendingMonth[] _months;
    private readonly DateTime _firstMonth;
    private readonly DateTime _yearAgo;
    private readonly DateTime _recentFrom;
    private int _firstUsed = int.MaxValue;
    private bool _sorted;

    /// <param name="now">The present (UTC); the last month is the one that contains it, and is not over.</param>
    /// <param name="months">Months that are counted; ≥ 1. The same number before them is there to compare with.</param>
    public Spending(DateTime now, int months)
    {
        Months = months;
        _firstMonth = FirstOf(now).AddMonths(1 - months - 12);
        _months = [.. Enumerable.Range(0, months + 12).Select(_ => new SpendingMonth())];
        _yearAgo = now.AddYears(-1);
        _recentFrom = now.AddDays(-Risk.RecentDays);
    }

    /// <summary>The month one year before the present one, up to the same instant as the present: what a month that is not over can be compared with.</summary>
    public SpendingMonth SoFarLastYear { get; } = new();

    /// <summary>Months that are shown, the present one included.</summary>
    public int Months { get; }

    /// <summary>Transactions of the months that are shown.</summary>
    public long Count => Shown.Sum(month => month.Count);

    /// <summary>The sum of their amounts.</summary>
    public decimal Total => Shown.Sum(month => month.Total);

    /// <summary>Anomalies among them.</summary>
    public long Anomalies => Shown.Sum(month => month.Anomalies);

    /// <summary>Anomalies of the last <see cref="Risk.RecentDays"/> days.</summary>
    public long RecentAnomalies { get; private set; }

    /// <summary>When the last transaction occurred.</summary>
    public DateTime LastAt { get; private set; }

    private IEnumerable<SpendingMonth> Shown => _months.Skip(12);

    /// <summary>The first instant of the month that a month's index (0 is the first that is shown) means.</summary>
    public DateTime MonthAt(int index) => _firstMonth.AddMonths(12 + index);

    /// <summary>The month at an index that is shown, and the same month one year before it.</summary>
    public (SpendingMonth Month, SpendingMonth LastYear) this[int index] => (_months[12 + index], _months[index]);

    /// <summary>Adds a transaction that occurred since the first month of all.</summary>
    public void Add(in SpendingRow row)
    {
        int index = ((row.OccurredAt.Year - _firstMonth.Year) * 12) + row.OccurredAt.Month - _firstMonth.Month;
        if (index < 0 || index >= _months.Length)
        {
            return;
        }

        _months[index].Add(row.Amount, row.IsAnomaly);
        if (index == Months - 1 && row.OccurredAt <= _yearAgo)
        {
            SoFarLastYear.Add(row.Amount, row.IsAnomaly);
        }

        _firstUsed = Math.Min(_firstUsed, index);
        LastAt = row.OccurredAt > LastAt ? row.OccurredAt : LastAt;
        RecentAnomalies += row.IsAnomaly && row.OccurredAt >= _recentFrom ? 1 : 0;
        if (row.OccurredAt >= _yearAgo)
        {
            _amounts.Add(row.Amount.ToDouble());
            _sorted = false;
        }
    }

    /// <summary>
    /// The range of four in five of the last twelve months' amounts, from the tenth to the ninetieth percentile, and their median; null with fewer than
    /// <see cref="Risk.Fewest"/> amounts.
    /// </summary>
    public (double Low, double Typical, double High, int Count)? Usual()
    {
        if (_amounts.Count < Risk.Fewest)
        {
            return null;
        }

        if (!_sorted)
        {
            _amounts.Sort();
            _sorted = true;
        }

        return (Trend.Quantile(_amounts, 0.1), Trend.Quantile(_amounts, 0.5), Trend.Quantile(_amounts, 0.9), _amounts.Count);
    }

    /// <summary>The totals of the full months that are shown, from the first with a transaction on, oldest first.</summary>
    public IReadOnlyList<double> FullMonths() =>
        [.. _months.Skip(Math.Max(12, _firstUsed)).SkipLast(1).Select(month => (double)month.Total)];

    private static DateTime FirstOf(DateTime instant) => new(instant.Year, instant.Month, 1, 0, 0, 0, DateTimeKind.Utc);
}
