namespace FinanceIngest.Storage;

/// <summary>What the upgrade of the older system's tables found and changed. Every row is counted, and none is lost.</summary>
public sealed record OlderSystemReport
{
    /// <summary>Rows of <c>anomaly_stats</c> that have become baselines.</summary>
    public long Baselines { get; set; }

    /// <summary>Rows of <c>anomaly_stats</c> that were not the newest of their key and were moved to <c>anomaly_stats_superseded</c>.</summary>
    public long BaselinesSuperseded { get; set; }

    /// <summary>Rows of <c>anomaly_transactions</c> that were taken over: all of them.</summary>
    public long Transactions { get; set; }

    /// <summary>Amounts with more than four decimals: they were rounded half-even, and <c>amount_legacy</c> holds the original.</summary>
    public long AmountsRounded { get; set; }

    /// <summary>Amounts beyond ±922,337,203,685,477.5807: <c>amount</c> is NULL, and <c>amount_legacy</c> holds the original.</summary>
    public long AmountsOutOfRange { get; set; }

    /// <summary>Rows whose <c>is_anomaly</c> was NULL: it was filled in by the older system's rule, |z| &gt; 3.</summary>
    public long FlagsFilledIn { get; set; }

    /// <summary>Rows of both tables whose <c>created_at</c> was NULL: it is now the time of the upgrade.</summary>
    public long TimesFilledIn { get; set; }

    /// <summary>Local times that a change of the clocks made ambiguous or impossible: they were taken as standard time.</summary>
    public long TimesAmbiguous { get; set; }

    /// <summary>Times from before 2000 or more than a day after the upgrade: they were kept as they are.</summary>
    public long TimesAbsurd { get; set; }

    /// <summary>Indexes and rights that an operator had added to the tables, and that the new tables have too.</summary>
    public IReadOnlyList<string> PutBack { get; set; } = Array.Empty<string>();

    /// <summary>What else was added to the tables, such as triggers; the new tables don't have it.</summary>
    public IReadOnlyList<string> NotPutBack { get; set; } = Array.Empty<string>();
}
