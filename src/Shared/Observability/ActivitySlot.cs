namespace FinanceIngest.Observability;

/// <summary>What was done in one slot of <see cref="ActivityHistory"/>.</summary>
internal sealed class ActivitySlot(long number)
{
    private int[]? _latencies;
    private double _longest;

    /// <summary>Which slot this is, counted from the start of the process.</summary>
    public long Number => number;

    /// <summary>Transactions that became durable.</summary>
    public long Accepted { get; set; }

    /// <summary>Transactions whose send failed.</summary>
    public long Refused { get; set; }

    /// <summary>Rows that became scored.</summary>
    public long Scored { get; set; }

    /// <summary>Transactions given up as failed.</summary>
    public long Failed { get; set; }

    /// <summary>New alerts.</summary>
    public long Anomalies { get; set; }

    /// <summary>Transactions that waited when the queue was last asked; null: it was not asked.</summary>
    public long? Waiting { get; set; }

    /// <summary>The greatest age of the oldest message, in seconds; null: the queue was not asked.</summary>
    public double? OldestSeconds { get; set; }

    /// <summary>Records the seconds from a transaction's acceptance to its commit.</summary>
    public void Took(double seconds)
    {
        _latencies ??= new int[RecentActivity.Steps];
        _latencies[RecentActivity.StepOf(seconds)]++;
        _longest = Math.Max(_longest, seconds);
    }

    /// <summary>The slot's figures.</summary>
    public ActivityPoint ToPoint()
    {
        long[]? latencies = _latencies is null ? null : [.. _latencies.Select(count => (long)count)];
        return new ActivityPoint(
            Accepted, Refused, Scored, Failed, Anomalies,
            latencies is null ? null : Math.Min(_longest, RecentActivity.Percentile(latencies, 0.5)),
            latencies is null ? null : Math.Min(_longest, RecentActivity.Percentile(latencies, 0.95)),
            Waiting, OldestSeconds);
    }
}
