using FinanceIngest.Alerts;
using FinanceIngest.Baselines;
using FinanceIngest.Commands;
using FinanceIngest.Ground;
using FinanceIngest.Learning;
using FinanceIngest.Overview;
using FinanceIngest.Poison;
using FinanceIngest.Results;

namespace FinanceIngest.Scoring;

/// <summary>The scorer's database: one round trip reads a batch's baselines, one writes its results.</summary>
internal interface IScoringStore
{
    /// <summary>
    /// Reads the baselines of these keys, and the settings of alerts that may hold for them, in one round trip; a key without a baseline is missing from the
    /// result.
    /// </summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<LoadedBaselines> LoadBaselinesAsync(IReadOnlyCollection<BaselineKey> keys, CancellationToken cancellationToken);

    /// <summary>
    /// Writes a batch in one transaction: rows, alerts, what commands ask for, poison records, the batch's place in the feed. It is safe to repeat a write, and
    /// to run it beside other workers that write the same ids: the first result of an id stays, except that a scored one replaces a failed one. A repeat that
    /// differs from the row is recorded in <c>repeat_conflicts</c>.
    /// </summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached; nothing was written, or all of it was.</exception>
    /// <exception cref="Queueing.LeaseLostException"><see cref="ScoredBatch.MayCommit"/> said no; nothing was written.</exception>
    Task<WriteCounts> WriteAsync(ScoredBatch batch, CancellationToken cancellationToken);

    /// <summary>
    /// Loads what is known, scores and writes a batch of a detector that learns: what a row taught is in its user's states exactly when its row is written by
    /// this call. On SQLite all of it is one transaction. On SQL Server it is two round trips, and the states of a user that another writer changed between
    /// them are not written, nor are his rows: his transactions alone are loaded and scored again.
    /// </summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached. What was committed before is found by a repeat.</exception>
    /// <exception cref="Queueing.LeaseLostException"><see cref="LearningWork.MayCommit"/> said no; what was committed before is found by a repeat.</exception>
    Task<LearnedRows> LearnAsync(LearningWork work, CancellationToken cancellationToken);
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
    /// <summary>Commands, which are carried out after the results are written.</summary>
    public IReadOnlyList<Command> Commands { get; init; } = [];

    /// <summary>States of users that the batch changes, in the order in which their locks are taken.</summary>
    public IReadOnlyList<UserChange> Learned { get; init; } = [];

    /// <summary>The row of this process in <c>processes</c>; null: none is due.</summary>
    public ProcessSeen? Process { get; init; }

    /// <summary>
    /// Whether this process may still write all of the batch; null: it may. The store asks right before the write, and on SQLite once more as the last thing
    /// before the commit. On SQL Server the write is one round trip, which can't ask: a late write finds its rows there, because ids are unique.
    /// </summary>
    public Func<bool>? MayCommit { get; init; }

    /// <exception cref="Queueing.LeaseLostException">This process may no longer write all of the batch.</exception>
    internal void ThrowUnlessHeld() => ThrowUnless(MayCommit);

    /// <exception cref="Queueing.LeaseLostException">The function says that the process may no longer write all of a batch.</exception>
    internal static void ThrowUnless(Func<bool>? mayCommit)
    {
        if (mayCommit?.Invoke() == false)
        {
            throw new Queueing.LeaseLostException();
        }
    }
}
