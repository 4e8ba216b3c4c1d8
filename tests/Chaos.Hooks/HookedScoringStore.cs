using System.Collections;
using FinanceIngest.Baselines;
using FinanceIngest.Results;
using FinanceIngest.Scoring;

namespace FinanceIngest.Chaos.Hooks;

/// <summary>
/// A store with the points write.before, write.inside (half of a batch's rows are inserted, and the transaction is open) and write.after (the transaction is
/// committed, and no message is deleted).
/// </summary>
internal sealed class HookedScoringStore(IScoringStore store, Control control) : IScoringStore
{
    private const string Inside = "write.inside";

    public Task<LoadedBaselines> LoadBaselinesAsync(IReadOnlyCollection<BaselineKey> keys, CancellationToken cancellationToken) =>
        store.LoadBaselinesAsync(keys, cancellationToken);

    public async Task<WriteCounts> WriteAsync(ScoredBatch batch, CancellationToken cancellationToken)
    {
        control.Reach("write.before");
        await Task.Delay(control.WriteDelay, cancellationToken);
        WriteCounts counts = await store.WriteAsync(Deadly(batch), cancellationToken);
        control.Reach("write.after");
        return counts;
    }

    public async Task<LearnedRows> LearnAsync(LearningWork work, CancellationToken cancellationToken)
    {
        control.Reach("write.before");
        await Task.Delay(control.WriteDelay, cancellationToken);
        LearnedRows rows = await store.LearnAsync(work with { Score = (known, users) => Deadly(work.Score(known, users)) }, cancellationToken);
        control.Reach("write.after");
        return rows;
    }

    private ScoredBatch Deadly(ScoredBatch batch)
    {
        bool isDeadly = control.HasDeadlyWrites && batch.Results.Any(result => control.IsDeadlyToWrite(result.UserId));
        return isDeadly || control.IsArmed(Inside) ? batch with { Results = new DeadlyList(batch.Results, control) } : batch;
    }

    /// <summary>The list from which the store reads its rows inside its transaction. Reading its second half ends the process.</summary>
    private sealed class DeadlyList(IReadOnlyList<TransactionResult> results, Control control) : IReadOnlyList<TransactionResult>
    {
        public int Count => results.Count;

        public TransactionResult this[int index]
        {
            get
            {
                if (index >= results.Count / 2)
                {
                    control.DieInsideTransaction(Inside, isDeadly: !control.IsArmed(Inside));
                }

                return results[index];
            }
        }

        public IEnumerator<TransactionResult> GetEnumerator()
        {
            for (int i = 0; i < Count; i++)
            {
                yield return this[i];
            }
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
