using FinanceIngest.Baselines;
using FinanceIngest.Learning;
using FinanceIngest.Preferences;

namespace FinanceIngest.Scoring;

/// <summary>What is known when a batch is scored.</summary>
/// <param name="Baselines">The baselines that there are.</param>
/// <param name="States">The states that there are; the batch changes them as it is scored.</param>
/// <param name="Present">The ids that have a row or a tombstone, or whose user was erased after they were accepted.</param>
internal sealed record Known(
    IReadOnlyDictionary<BaselineKey, Baseline> Baselines, StateBook States, IReadOnlyDictionary<Guid, Presence> Present)
{
    /// <summary>How often alerts are wanted.</summary>
    public SensitivityTable Settings { get; init; } = SensitivityTable.Empty;
}
