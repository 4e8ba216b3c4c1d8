namespace FinanceIngest.Replay;

/// <summary>Counts, over the rows that both scored, what a detector that decided and a shadow beside it called anomalies.</summary>
public sealed class ComparedPair
{
    private readonly UserMonths _months = new();
    private readonly DateTime? _end;

    /// <param name="live">Name of the detector that decided, and its version where it learns.</param>
    /// <param name="shadow">Name of the shadow.</param>
    /// <param name="end">The end of the period, UTC; null: the last row.</param>
    internal ComparedPair(string live, string shadow, DateTime? end)
    {
        Live = live;
        Shadow = shadow;
        _end = end;
    }

    /// <summary>Name of the detector that decided, and its version where it learns.</summary>
    public string Live { get; }

    /// <summary>Name of the shadow.</summary>
    public string Shadow { get; }

    /// <summary>Rows that both scored.</summary>
    public long Rows { get; private set; }

    /// <summary>Users among these rows.</summary>
    public int Users => _months.Users;

    /// <summary>Months of all users, of 30.4 days, each from the user's first row of the period to its end.</summary>
    public double UserMonths => _months.Until(_end);

    /// <summary>Rows that both called anomalies.</summary>
    public long Both { get; private set; }

    /// <summary>Rows that only the detector that decided called an anomaly.</summary>
    public long OnlyLive { get; private set; }

    /// <summary>Rows that only the shadow called an anomaly.</summary>
    public long OnlyShadow { get; private set; }

    /// <summary>Anomalies of the detector that decided, in a month of one user; null: no user was seen for any time.</summary>
    public double? LivePerUserMonth => _months.Rate(Both + OnlyLive, _end);

    /// <summary>Anomalies of the shadow, in a month of one user; null: no user was seen for any time.</summary>
    public double? ShadowPerUserMonth => _months.Rate(Both + OnlyShadow, _end);

    /// <summary>Counts a row.</summary>
    internal void Add(in HistoryRow row, bool shadowSaysAnomaly)
    {
        Rows++;
        _months.Add(row.UserId, row.OccurredAt);
        Both += row.IsAnomaly && shadowSaysAnomaly ? 1 : 0;
        OnlyLive += row.IsAnomaly && !shadowSaysAnomaly ? 1 : 0;
        OnlyShadow += !row.IsAnomaly && shadowSaysAnomaly ? 1 : 0;
    }
}
