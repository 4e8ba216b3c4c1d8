using FinanceIngest.Observability;

namespace FinanceIngest.Results;

/// <summary>What one write of results changed.</summary>
/// <param name="Written">Rows that are new, or that went from failed to scored.</param>
/// <param name="Repeats">Results whose id had a row already, which stayed.</param>
/// <param name="Conflicts">Repeats that differed from their row.</param>
/// <param name="Alerts">Alerts that are new in the outbox.</param>
/// <param name="Verdicts">New rows on which a verdict had waited, so that they are not what was scored.</param>
internal readonly record struct WriteCounts(int Written, int Repeats, int Conflicts, int Alerts, int Verdicts = 0)
{
    /// <summary>The counts of two writes together.</summary>
    public static WriteCounts operator +(WriteCounts one, WriteCounts other) =>
        new(
            one.Written + other.Written, one.Repeats + other.Repeats, one.Conflicts + other.Conflicts, one.Alerts + other.Alerts,
            one.Verdicts + other.Verdicts);

    /// <summary>These counts in the form that the metrics take.</summary>
    /// <param name="failed">Transactions of the write that were given up as failed.</param>
    internal WrittenTransactions Observed(int failed) => new(Math.Max(0, Written - failed), failed, Repeats, Conflicts, Alerts);
}
