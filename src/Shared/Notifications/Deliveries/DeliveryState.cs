namespace FinanceIngest.Notifications.Deliveries;

/// <summary>What has become of an alert on its way to one address.</summary>
internal enum DeliveryState
{
    /// <summary>The alert waits to be told together with others: for a digest, the end of quiet hours, or of an hour with too many messages.</summary>
    Held,

    /// <summary>The message is to be sent, now or in another attempt.</summary>
    Waiting,

    /// <summary>The message was delivered.</summary>
    Sent,

    /// <summary>The message was tried for long enough, or was refused for good. It may be sent again.</summary>
    GivenUp,

    /// <summary>The alert was not told, because it is below the minimum surprise.</summary>
    Skipped,
}
