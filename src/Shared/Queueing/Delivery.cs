namespace FinanceIngest.Queueing;

/// <summary>A received message with what was decoded from it.</summary>
/// <param name="Lease">The message.</param>
/// <param name="Content">Its content.</param>
internal sealed record Delivery(LeasedMessage Lease, InboundMessage Content);
