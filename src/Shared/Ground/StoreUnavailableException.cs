namespace FinanceIngest.Ground;

/// <summary>The database could not be reached, is full, locked or failing: an outage, never the fault of a transaction.</summary>
public sealed class StoreUnavailableException(Exception cause) : Exception($"The database is unavailable: {cause.Message}", cause);
