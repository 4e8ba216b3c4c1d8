namespace FinanceIngest.Storage;

/// <summary>What the upgrade of the older system's tables found and changed; every row is counted, none is lost.</summary>
public sealed record OlderSystemReport
{
    /// <summary>Rows of <c>anomaly_stats</c> that are baselines now.</summary>
    public long Baselines { get; set; }

    /// <summary>Rows of <c>anomaly_stats</c> that were not the newest of their key and stand in <c>anomaly_stats_superseded</c> now.</summary>
    public long BaselinesSuperseded { get; set; }

    /// <summary>Rows of <c>anomaly_transactions</c>.</summary>
    public long Transactions { get; set; }

    /// <summary>Amounts with more than four decimals: rounded half-even, the original in <c>amount_legacy</c>.</summary>
    public long AmountsRounded { get; set; }

    /// <summary>Amounts beyond ±922,337,203,685,477.5807: empty, the original in <c>amount_legacy</c>.</summary>
    public long AmountsOutOfRange { get; set; }

    /// <summary>Rows whose <c>is_anomaly</c> was empty: filled in by the older rule, |z| &gt; 3.</summary>
    public long FlagsFilledIn { get; set; }

    /// <summary>Rows of both tables whose <c>created_at</c> was empty: the time of the upgrade stands there now.</summary>
    public long TimesFilledIn { get; set; }

    /// <summary>Local times that a change of the clocks made ambiguous or impossible: taken as standard time.</summary>
    public long TimesAmbiguous { get; set; }
}
