namespace FinanceIngest.Notifications.Deliveries;

/// <summary>How an attempt at a message ended.</summary>
/// <param name="MessageId">The message.</param>
/// <param name="DestinationId">The address; <see cref="Guid.Empty"/>: the channel's fixed addresses.</param>
/// <param name="State">
/// <see cref="DeliveryState.Sent"/>, <see cref="DeliveryState.GivenUp"/>, or <see cref="DeliveryState.Waiting"/> for another attempt.
/// </param>
/// <param name="Attempts">Attempts so far, this one included.</param>
/// <param name="DueAt">When the next attempt is due (UTC); null where there is none.</param>
/// <param name="Error">What went wrong, in one line; null when nothing did.</param>
internal sealed record Settlement(Guid MessageId, Guid DestinationId, DeliveryState State, int Attempts, DateTime? DueAt, string? Error);
