namespace FinanceIngest.Notifications.Deliveries;

/// <summary>An alert that waits to be told together with others.</summary>
/// <param name="Id">The row's number.</param>
/// <param name="AlertId">The alert.</param>
/// <param name="Hold">Why it waits.</param>
internal readonly record struct HeldDelivery(long Id, Guid AlertId, HoldReason Hold);
