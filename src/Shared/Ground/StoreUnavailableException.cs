namespace FinanceIngest.Ground;

/// <summary>The database could not be reached, is full, locked or failing: an outage, never the fault of a transaction.</summary>
/// <param name="cause">What happened.</param>
/// <param name="wasTooMuch">
/// Whether the database was reached and did not finish the work within its time limit: less work at once may succeed. Nothing of it was written.
/// </param>
public sealed class StoreUnavailableException(Exception cause, bool wasTooMuch = false) : Exception($"The database is unavailable: {cause.Message}", cause)
{
    /// <summary>Whether less work at once may succeed.</summary>
    public bool WasTooMuch { get; } = wasTooMuch;
}
