namespace FinanceIngest.Notifications.Deliveries;

/// <summary>Which deliveries are listed.</summary>
/// <param name="UserId">The user's; null: everybody's.</param>
/// <param name="Channel">The channel's; null: every channel's.</param>
/// <param name="State">Those in this state; null: in any.</param>
/// <param name="Before">Rows with a lower number; null: from the newest on.</param>
internal sealed record DeliveryFilter(long? UserId = null, string? Channel = null, DeliveryState? State = null, long? Before = null);
