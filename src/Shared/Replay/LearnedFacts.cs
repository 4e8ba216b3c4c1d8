using FinanceIngest.Configuration;
using FinanceIngest.Detection;

namespace FinanceIngest.Replay;

/// <summary>What detectors have learned in an installation.</summary>
/// <param name="Model">The newest model of all users together; null: none was made yet.</param>
/// <param name="Users">Users with a state.</param>
/// <param name="Newest">The newest row that was scored; null: there is none among the last thousand rows.</param>
public sealed record LearnedFacts(ModelFacts? Model, long Users, NewestScored? Newest);

/// <summary>The newest model of all users together.</summary>
/// <param name="Version">The number of its renewal, ≥ 1.</param>
/// <param name="Began">When the first transaction that the detector scored occurred, UTC.</param>
/// <param name="AsOf">The latest time at which a transaction had occurred when the model was made, UTC.</param>
/// <param name="MadeAt">When it was made, by the clock of the process that made it, UTC.</param>
public sealed record ModelFacts(int Version, DateTime Began, DateTime AsOf, DateTime MadeAt)
{
    /// <summary>The next one is due with the first transaction that occurs at this time or later, UTC.</summary>
    public DateTime NextAt => RenewalSchedule.After(Began, AsOf);
}

/// <summary>The newest row that was scored.</summary>
/// <param name="Detector">Name and version of the detector that decided, where it is one that learns; null: <see cref="DetectorNames.ZScore"/> did.</param>
/// <param name="Shadow">What the shadow detectors said, as the API's JSON object; null: there were none.</param>
/// <param name="OccurredAt">When it occurred, UTC; null: unknown.</param>
public sealed record NewestScored(string? Detector, string? Shadow, DateTime? OccurredAt)
{
    /// <summary>The name, in settings, of the detector that decided.</summary>
    public string DetectorName => Detector?.Split('/')[0] ?? DetectorNames.ZScore;

    /// <summary>The names, in settings, of the shadow detectors.</summary>
    /// <exception cref="FormatException">The column holds something else than names.</exception>
    public IReadOnlyList<string> ShadowNames => Shadow is null ? [] : [.. ShadowVerdict.Read(Shadow).Select(static verdict => verdict.Name)];
}
