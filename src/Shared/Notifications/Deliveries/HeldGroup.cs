using FinanceIngest.Notifications.Destinations;

namespace FinanceIngest.Notifications.Deliveries;

/// <summary>Alerts of one channel that wait for the same address, of which at least one is due.</summary>
/// <param name="DestinationId">The address; <see cref="Guid.Empty"/>: the channel's fixed addresses.</param>
/// <param name="Destination">The user's address; null for fixed ones, and where the user has taken it back.</param>
/// <param name="Deliveries">The alerts, oldest first, and not more than were asked for.</param>
/// <param name="Recent">When messages to this address were made within the last 60 minutes (UTC), newest first, and not more than were asked for.</param>
internal sealed record HeldGroup(
    Guid DestinationId, NotificationDestination? Destination, IReadOnlyList<HeldDelivery> Deliveries, IReadOnlyList<DateTime> Recent);
