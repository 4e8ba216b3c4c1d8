namespace FinanceIngest.Baselines;

/// <summary>Whose baseline it is.</summary>
public readonly record struct BaselineKey(long UserId, long CategoryId);

/// <summary>What is normal for one user and category.</summary>
/// <param name="Mean">Average amount; finite.</param>
/// <param name="StdDev">Standard deviation of the amounts; finite, ≥ 0.</param>
/// <param name="SampleCount">Amounts behind it; ≥ 0.</param>
public sealed record Baseline(double Mean, double StdDev, long SampleCount);

/// <summary>A baseline with its key, as imported and exported.</summary>
public sealed record BaselineRow(BaselineKey Key, Baseline Baseline);
