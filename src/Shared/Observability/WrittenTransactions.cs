namespace FinanceIngest.Observability;

/// <summary>The outcomes of committed transactions; each count is ≥ 0.</summary>
/// <param name="Scored">Scored rows that are new or had the status failed before.</param>
/// <param name="Failed">Transactions given up as failed.</param>
/// <param name="Repeats">Transactions whose row existed already.</param>
/// <param name="Conflicts">Repeats that differ from their row.</param>
/// <param name="Anomalies">Alerts added to the outbox.</param>
internal readonly record struct WrittenTransactions(int Scored, int Failed, int Repeats, int Conflicts, int Anomalies);
