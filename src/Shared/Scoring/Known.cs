using FinanceIngest.Baselines;
using FinanceIngest.Learning;

namespace FinanceIngest.Scoring;

/// <summary>What is known when a batch is scored.</summary>
/// <param name="Baselines">The baselines that there are.</param>
/// <param name="States">The states that there are; the batch changes them as it is scored.</param>
/// <param name="Present">The ids that have a row or a tombstone.</param>
internal sealed record Known(
    IReadOnlyDictionary<BaselineKey, Baseline> Baselines, StateBook States, IReadOnlyDictionary<Guid, Presence> Present);
