using FinanceIngest.Notifications.Destinations;

namespace FinanceIngest.Notifications.Deliveries;

/// <summary>A message that is to be sent now.</summary>
/// <param name="MessageId">Its id.</param>
/// <param name="DestinationId">The address; <see cref="Guid.Empty"/>: the channel's fixed addresses.</param>
/// <param name="Destination">The user's address; null for fixed ones, and where the user has taken it back.</param>
/// <param name="Payloads">The alerts, each with its id and its message as JSON, the oldest first.</param>
/// <param name="Attempts">Attempts so far.</param>
/// <param name="GiveUpAt">When the message is given up (UTC).</param>
internal sealed record DueMessage(
    Guid MessageId, Guid DestinationId, NotificationDestination? Destination, IReadOnlyList<DuePayload> Payloads, int Attempts, DateTime GiveUpAt);

/// <summary>An alert in a message.</summary>
/// <param name="AlertId">The alert.</param>
/// <param name="Payload">Its message on the alert queue.</param>
internal readonly record struct DuePayload(Guid AlertId, string Payload);
