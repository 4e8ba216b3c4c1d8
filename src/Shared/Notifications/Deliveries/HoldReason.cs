namespace FinanceIngest.Notifications.Deliveries;

/// <summary>Why an alert waits to be told together with others.</summary>
internal enum HoldReason
{
    /// <summary>Nothing holds it; it has not been looked at yet.</summary>
    None,

    /// <summary>The channel gathers alerts for some time.</summary>
    Digest,

    /// <summary>It is quiet at the address.</summary>
    QuietHours,

    /// <summary>There were enough messages within the hour.</summary>
    Limit,
}
