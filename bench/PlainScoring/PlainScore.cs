namespace FinanceIngest.Bench.Plain;

/// <summary>A scored transaction: what goes into the row.</summary>
/// <param name="Mean">Of the baseline; null where there is none.</param>
/// <param name="StdDev">Of the baseline.</param>
/// <param name="SampleCount">Of the baseline.</param>
/// <param name="ZScore">Null without a usable baseline.</param>
public readonly record struct PlainScore(double? Mean, double? StdDev, long? SampleCount, double? ZScore)
{
    private const double Threshold = 3;
    private const int MinimumSamples = 2;

    /// <summary>Whether |z| is above the threshold.</summary>
    public bool IsAnomaly => ZScore is { } z && Math.Abs(z) > Threshold;

    /// <summary>As the table names it.</summary>
    public string Reason =>
        Mean is null ? "no_baseline"
        : SampleCount < MinimumSamples ? "insufficient_samples"
        : ZScore is null ? "zero_variance"
        : "scored";

    /// <summary>The rule of the service: z = (amount − mean) / std_dev.</summary>
    public static PlainScore Of(decimal amount, double mean, double stdDev, long sampleCount) =>
        new(mean, stdDev, sampleCount, sampleCount >= MinimumSamples && stdDev > 0 ? ((double)amount - mean) / stdDev : null);
}
