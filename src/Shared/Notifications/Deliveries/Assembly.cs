namespace FinanceIngest.Notifications.Deliveries;

/// <summary>What becomes of alerts that were held.</summary>
/// <param name="Messages">The messages that are to be sent now.</param>
/// <param name="Postponed">The alerts that are held on.</param>
internal sealed record Assembly(IReadOnlyList<AssembledMessage> Messages, IReadOnlyList<PostponedDelivery> Postponed);

/// <summary>A message that was made of held alerts.</summary>
/// <param name="MessageId">Its id.</param>
/// <param name="Rows">The rows of its alerts, the oldest first.</param>
/// <param name="GiveUpAt">When it is given up (UTC).</param>
internal sealed record AssembledMessage(Guid MessageId, IReadOnlyList<long> Rows, DateTime GiveUpAt);

/// <summary>An alert that is held on.</summary>
/// <param name="Row">Its row.</param>
/// <param name="Hold">Why.</param>
/// <param name="DueAt">Until when (UTC).</param>
internal readonly record struct PostponedDelivery(long Row, HoldReason Hold, DateTime DueAt);
