namespace FinanceIngest.Baselines;

/// <summary>The user and the category that a baseline belongs to.</summary>
public readonly record struct BaselineKey(long UserId, long CategoryId);

/// <summary>The amounts that are normal for one user and category.</summary>
/// <param name="Mean">The average amount; finite.</param>
/// <param name="StdDev">The standard deviation of the amounts; finite, ≥ 0.</param>
/// <param name="SampleCount">The number of amounts that the baseline rests on; ≥ 0.</param>
public sealed record Baseline(double Mean, double StdDev, long SampleCount);

/// <summary>A baseline with its key, as it is imported and exported.</summary>
public sealed record BaselineRow(BaselineKey Key, Baseline Baseline);
