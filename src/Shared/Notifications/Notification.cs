using FinanceIngest.Notifications.Destinations;

namespace FinanceIngest.Notifications;

/// <summary>One message to one address: about an alert, or about several in a digest.</summary>
/// <param name="Id">The same for each attempt: the alert's id, or the digest's, which derives from its alerts.</param>
/// <param name="Alerts">At least one; the oldest first.</param>
/// <param name="Destination">The user's address; null: the channel's fixed addresses.</param>
internal sealed record Notification(Guid Id, IReadOnlyList<NotifiedAlert> Alerts, NotificationDestination? Destination)
{
    /// <summary>Whether the message tells of several alerts.</summary>
    public bool IsDigest => Alerts.Count > 1;
}
