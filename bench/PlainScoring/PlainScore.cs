namespace FinanceIngest.Bench.Plain;

/// <summary>The score of a transaction, as it is written to the row.</summary>
/// <param name="Mean">The mean of the baseline; null when there is none.</param>
/// <param name="StdDev">The standard deviation of the baseline; null when there is none.</param>
/// <param name="SampleCount">The number of samples of the baseline; null when there is none.</param>
/// <param name="ZScore">The z-score; null without a usable baseline.</param>
public readonly record struct PlainScore(double? Mean, double? StdDev, long? SampleCount, double? ZScore)
{
    private const double Threshold = 3;
    private const int MinimumSamples = 2;

    /// <summary>Whether |z| is above the threshold.</summary>
    public bool IsAnomaly => ZScore is { } z && Math.Abs(z) > Threshold;

    /// <summary>The value of the column <c>reason</c>.</summary>
    public string Reason =>
        Mean is null ? "no_baseline"
        : SampleCount < MinimumSamples ? "insufficient_samples"
        : ZScore is null ? "zero_variance"
        : "scored";

    /// <summary>The rule of the service: z = (amount − mean) / std_dev.</summary>
    public static PlainScore Of(decimal amount, double mean, double stdDev, long sampleCount) =>
        new(mean, stdDev, sampleCount, sampleCount >= MinimumSamples && stdDev > 0 ? ((double)amount - mean) / stdDev : null);
}
