namespace FinanceIngest.Notifications.Deliveries;

/// <summary>An alert on its way to one address, as it is written first.</summary>
/// <param name="Alert">The alert.</param>
/// <param name="Channel">The channel's name.</param>
/// <param name="DestinationId">The user's address; <see cref="Guid.Empty"/>: the channel's fixed addresses.</param>
/// <param name="State"><see cref="DeliveryState.Held"/>, <see cref="DeliveryState.Waiting"/> or <see cref="DeliveryState.Skipped"/>.</param>
/// <param name="Hold">Why it is held.</param>
/// <param name="DueAt">When it is looked at next (UTC); null for what is skipped.</param>
/// <param name="GiveUpAt">When it is given up (UTC); null unless it is to be sent at once.</param>
/// <param name="CreatedAt">When the alert was taken from its queue (UTC).</param>
internal sealed record NewDelivery(
    NotifiedAlert Alert, string Channel, Guid DestinationId, DeliveryState State, HoldReason Hold, DateTime? DueAt, DateTime? GiveUpAt, DateTime CreatedAt);
