namespace FinanceIngest.Queueing;

/// <summary>Undoes a write whose messages are not all held any more: nothing of it remains. Never gets into a log.</summary>
internal sealed class LeaseLostException() : Exception("A lease ended before the commit.");
