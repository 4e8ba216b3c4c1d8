namespace FinanceIngest.Configuration;

/// <summary>The names of detectors in settings.</summary>
public static class DetectorNames
{
    /// <summary>The older system's rule, with baselines that are put in from outside.</summary>
    public const string ZScore = "zscore";

    /// <summary>The detector that learns by itself.</summary>
    public const string Adaptive = "adaptive";

    /// <summary>Every name.</summary>
    public static IReadOnlyList<string> All { get; } = [ZScore, Adaptive];
}
