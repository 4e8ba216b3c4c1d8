namespace FinanceIngest.Queueing;

/// <summary>Undoes a write for messages whose leases have not all lasted: nothing of the write remains. It is always caught, and never logged.</summary>
internal sealed class LeaseLostException() : Exception("A lease ended before the commit.");
