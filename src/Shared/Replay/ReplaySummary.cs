namespace FinanceIngest.Replay;

/// <summary>Counts what a replay found, row by row.</summary>
/// <param name="end">The end of the period, UTC; null: the last row.</param>
public sealed class ReplaySummary(DateTime? end)
{
    private readonly UserMonths _months = new();

    /// <summary>Rows that were judged.</summary>
    public long Rows { get; private set; }

    /// <summary>Users among these rows.</summary>
    public int Users => _months.Users;

    /// <summary>When the first of the rows occurred, UTC; null: there is none.</summary>
    public DateTime? First { get; private set; }

    /// <summary>When the last of the rows occurred, UTC; null: there is none.</summary>
    public DateTime? Last { get; private set; }

    /// <summary>Rows that are stored as anomalies and would be ones again.</summary>
    public long Both { get; private set; }

    /// <summary>Rows that are stored as anomalies and would be none.</summary>
    public long NoLonger { get; private set; }

    /// <summary>Rows that would be anomalies and are stored as none.</summary>
    public long New { get; private set; }

    /// <summary>Anomalies as they are stored.</summary>
    public long Stored => Both + NoLonger;

    /// <summary>Anomalies as they would be.</summary>
    public long Replayed => Both + New;

    /// <summary>Months of all users, of 30.4 days, each from the user's first row of the period to its end.</summary>
    public double UserMonths => _months.Until(end);

    /// <summary>Returns how many a user has in a month; null: no user was seen for any time.</summary>
    /// <param name="anomalies">How many there are of all users together.</param>
    public double? PerUserMonth(long anomalies) => _months.Rate(anomalies, end);

    /// <summary>Counts a row.</summary>
    public void Add(in ReplayedRow row)
    {
        Rows++;
        _months.Add(row.Row.UserId, row.Row.OccurredAt);
        First ??= row.Row.OccurredAt;
        Last = row.Row.OccurredAt;
        Both += row.Row.IsAnomaly && row.IsAnomaly ? 1 : 0;
        NoLonger += row.Row.IsAnomaly && !row.IsAnomaly ? 1 : 0;
        New += !row.Row.IsAnomaly && row.IsAnomaly ? 1 : 0;
    }
}
