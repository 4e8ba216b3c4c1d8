namespace FinanceIngest.Ground;

/// <summary>A queue could not be reached or refused work: an outage, never the fault of a message.</summary>
public sealed class QueueUnavailableException(string queue, Exception cause)
    : Exception($"Queue '{queue}' is unavailable: {cause.Message}", cause);
