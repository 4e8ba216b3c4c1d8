using FinanceIngest.Baselines;
using FinanceIngest.Preferences;

namespace FinanceIngest.Scoring;

/// <summary>What a batch is scored with by a detector that does not learn.</summary>
/// <param name="Baselines">The baselines that there are.</param>
/// <param name="Settings">How often alerts are wanted.</param>
internal sealed record LoadedBaselines(IReadOnlyDictionary<BaselineKey, Baseline> Baselines, SensitivityTable Settings)
{
    /// <summary>Nothing.</summary>
    public static LoadedBaselines None { get; } = new(new Dictionary<BaselineKey, Baseline>(), SensitivityTable.Empty);
}
