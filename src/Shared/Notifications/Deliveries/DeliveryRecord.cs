namespace FinanceIngest.Notifications.Deliveries;

/// <summary>A delivery as an operator sees it.</summary>
/// <param name="Id">The row's number.</param>
/// <param name="AlertId">The alert.</param>
/// <param name="MessageId">The message that tells of it; null while it is held, or when it was skipped.</param>
/// <param name="Channel">The channel's name.</param>
/// <param name="DestinationId">The user's address; <see cref="Guid.Empty"/>: the channel's fixed addresses.</param>
/// <param name="UserId">The user whose transaction it is.</param>
/// <param name="State">What has become of it.</param>
/// <param name="Hold">Why it is held.</param>
/// <param name="Attempts">Attempts so far.</param>
/// <param name="DueAt">When it is looked at next (UTC).</param>
/// <param name="CreatedAt">When the alert was taken from its queue (UTC).</param>
/// <param name="FinishedAt">When it was sent, given up or skipped (UTC).</param>
/// <param name="Error">What went wrong in the last attempt.</param>
internal sealed record DeliveryRecord(
    long Id, Guid AlertId, Guid? MessageId, string Channel, Guid DestinationId, long UserId, DeliveryState State, HoldReason Hold, int Attempts,
    DateTime? DueAt, DateTime CreatedAt, DateTime? FinishedAt, string? Error);
