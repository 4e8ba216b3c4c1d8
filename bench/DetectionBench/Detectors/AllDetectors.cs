using FinanceIngest.Detection;

namespace FinanceIngest.DetectionBench.Detectors;

/// <summary>The detectors by name.</summary>
internal static class AllDetectors
{
    /// <summary>Days in which detectors learn before they are judged.</summary>
    public const double LearningDays = 60;

    private static readonly Dictionary<string, Func<double, IRunningDetector>> s_byName = new()
    {
        ["zscore"] = _ => new FrozenZScore(LearningDays, 3),
        ["adaptive"] = budget => new AdaptiveRunning(AdaptiveSettings.Default, budget),
        ["mad"] = _ => new RunningMedian(),
        ["half-space-trees"] = _ => new HalfSpaceTrees(seed: 1),
    };

    /// <summary>The names.</summary>
    public static IEnumerable<string> Names => s_byName.Keys;

    /// <summary>Returns a new detector.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="alertsPerUserMonth">The budget, for detectors that have one.</param>
    public static IRunningDetector Make(string name, double alertsPerUserMonth = 0.25) => s_byName[name](alertsPerUserMonth);
}
