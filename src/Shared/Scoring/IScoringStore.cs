using FinanceIngest.Alerts;
using FinanceIngest.Baselines;
using FinanceIngest.Ground;
using FinanceIngest.Poison;
using FinanceIngest.Results;

namespace FinanceIngest.Scoring;

/// <summary>What the scorer needs of the database: one round trip to read a batch's baselines, one to write its results.</summary>
internal interface IScoringStore
{
    /// <summary>The baselines of these keys in one round trip; a key without one is missing from the answer.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<IReadOnlyDictionary<BaselineKey, Baseline>> LoadBaselinesAsync(IReadOnlyCollection<BaselineKey> keys, CancellationToken cancellationToken);

    /// <summary>
    /// Writes a batch in one transaction: rows, alerts of new anomalies, poison records, the batch's place in the feed. Safe to
    /// repeat and to run beside other workers writing the same ids: the first result of an id stays, except that a scored one
    /// replaces a failed one. A repeat that differs from the row is recorded in <c>repeat_conflicts</c>.
    /// </summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached; nothing was written, or all of it was.</exception>
    /// <exception cref="Queueing.LeaseLostException"><see cref="ScoredBatch.MayCommit"/> said no; nothing was written.</exception>
    Task<WriteCounts> WriteAsync(ScoredBatch batch, CancellationToken cancellationToken);
}

/// <summary>Everything that one transaction writes.</summary>
/// <param name="Results">Results in the order in which they were scored; an id may occur twice.</param>
/// <param name="Alerts">Alerts of the anomalies among them.</param>
/// <param name="Poison">Messages that can't be processed.</param>
internal sealed record ScoredBatch(
    IReadOnlyList<TransactionResult> Results,
    IReadOnlyList<NewAlert> Alerts,
    IReadOnlyList<PoisonMessage> Poison)
{
    /// <summary>
    /// Whether this process may still write all of it; null: it may. Asked right before the write, and on SQLite once more as the last thing before the commit.
    /// SQL Server is one round trip, which can't ask: what is late there finds its rows written, because ids are unique.
    /// </summary>
    public Func<bool>? MayCommit { get; init; }

    /// <exception cref="Queueing.LeaseLostException">It may not.</exception>
    internal void ThrowUnlessHeld()
    {
        if (MayCommit?.Invoke() == false)
        {
            throw new Queueing.LeaseLostException();
        }
    }
}
