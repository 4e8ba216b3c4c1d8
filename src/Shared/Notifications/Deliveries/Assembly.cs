namespace FinanceIngest.Notifications.Deliveries;

/// <summary>What becomes of alerts that were held.</summary>
/// <param name="Messages">The messages that are to be sent now.</param>
/// <param name="Postponed">The addresses whose other alerts are held on.</param>
internal sealed record Assembly(IReadOnlyList<AssembledMessage> Messages, IReadOnlyList<PostponedAddress> Postponed);

/// <summary>A message that was made of held alerts.</summary>
/// <param name="MessageId">Its id.</param>
/// <param name="Rows">The rows of its alerts, the oldest first.</param>
/// <param name="GiveUpAt">When it is given up (UTC).</param>
internal sealed record AssembledMessage(Guid MessageId, IReadOnlyList<long> Rows, DateTime GiveUpAt);

/// <summary>The held alerts of an address that no message was made of: none of them is looked at before an instant.</summary>
/// <param name="DestinationId">The address; <see cref="Guid.Empty"/>: the channel's fixed addresses.</param>
/// <param name="Hold">Why.</param>
/// <param name="Until">Until when (UTC).</param>
internal readonly record struct PostponedAddress(Guid DestinationId, HoldReason Hold, DateTime Until);
