namespace FinanceIngest.Observability;

/// <summary>What became of transactions that were committed, as the counters have it.</summary>
/// <param name="Scored">Rows that are new and scored, or went from failed to scored; ≥ 0.</param>
/// <param name="Failed">Transactions given up as failed.</param>
/// <param name="Repeats">Transactions whose row was there already.</param>
/// <param name="Conflicts">Repeats that differ from their row.</param>
/// <param name="Anomalies">Alerts added to the outbox.</param>
internal readonly record struct WrittenTransactions(int Scored, int Failed, int Repeats, int Conflicts, int Anomalies);
