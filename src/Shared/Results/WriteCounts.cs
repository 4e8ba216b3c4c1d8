using FinanceIngest.Observability;

namespace FinanceIngest.Results;

/// <summary>What a write changed.</summary>
/// <param name="Written">Rows that are new, or went from failed to scored.</param>
/// <param name="Repeats">Results whose row was there already and stayed.</param>
/// <param name="Conflicts">Those of them that differed from the row.</param>
/// <param name="Alerts">Alerts that are new in the outbox.</param>
internal readonly record struct WriteCounts(int Written, int Repeats, int Conflicts, int Alerts)
{
    /// <summary>The counts of two writes together.</summary>
    public static WriteCounts operator +(WriteCounts one, WriteCounts other) =>
        new(one.Written + other.Written, one.Repeats + other.Repeats, one.Conflicts + other.Conflicts, one.Alerts + other.Alerts);

    /// <summary>The same as the counters have it.</summary>
    /// <param name="failed">Transactions among them that were given up as failed.</param>
    internal WrittenTransactions Observed(int failed) => new(Math.Max(0, Written - failed), failed, Repeats, Conflicts, Alerts);
}
