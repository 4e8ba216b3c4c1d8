using FinanceIngest.Baselines;
using FinanceIngest.Detection;
using FinanceIngest.Results;
using FinanceIngest.Transactions;

namespace FinanceIngest.Scoring;

/// <summary>
/// The scoring rule: z = (amount − mean) / std_dev, the standard score (https://www.itl.nist.gov/div898/handbook/eda/section3/eda35h.htm), in IEEE double. A
/// transaction is an anomaly when |z| is greater than the threshold.
/// </summary>
/// <remarks>
/// A deviation of at most n·ε·|mean| is taken for zero: n is the sample count, ε = 2^−52. Adding up n doubles one after the other, and dividing, leaves the
/// mean off by up to n·ε/2·|mean| (N. J. Higham, Accuracy and Stability of Numerical Algorithms, section 4.2), and the deviation of n equal values from a mean
/// that is off by so much is just that error: 9.99 eighteen times has a mean of 9.990000000000002 and a deviation of 1.8e-15, in which one cent is 5.6e12
/// deviations. The rule is relative, so that it holds for amounts of 0.0001 as for those of 1e14; beside a mean of zero every deviation counts. n is taken as
/// <see cref="LargestSum"/> at most, so that the floor is never more than a four-millionth of the mean, whatever count a baseline claims.
/// </remarks>
/// <param name="threshold">≥ 0.</param>
/// <param name="minimumSamples">A baseline of fewer samples than this is not used; ≥ 1.</param>
internal sealed class ZScoreRule(double threshold, int minimumSamples)
{
    /// <summary>The largest sample count whose rounding is allowed for, 2^30.</summary>
    private const long LargestSum = 1L << 30;

    // The distance from 1 to the next double.
    private const double Epsilon = 1.0 / (1L << 52);

    private readonly double _rarely = LevelThreshold(threshold, AlertThresholds.RarelyFactor);
    private readonly double _often = LevelThreshold(threshold, AlertThresholds.OftenFactor);

    /// <summary>
    /// The threshold of alerts at a level that wants <paramref name="factor"/> times as many: √(t² − 2 ln factor), at which the density of a normal
    /// distribution is that many times the one at t; 0 where that is no number. Far out the probability beyond a threshold is nearly proportional to it: with
    /// t = 3 it is 0.37 and 4.7 times as large for 0.4 and 4 (Feller, An Introduction to Probability Theory, volume 1, VII.1).
    /// </summary>
    internal static double LevelThreshold(double threshold, double factor) => Math.Sqrt(Math.Max(0, (threshold * threshold) - (2 * Math.Log(factor))));

    /// <summary>Scores one transaction; a pure function.</summary>
    public TransactionResult Score(Transaction transaction, Baseline? baseline, DateTime scoredAt)
    {
        double z = baseline is null ? double.NaN : (transaction.Amount.ToDouble() - baseline.Mean) / baseline.StdDev;

        // A deviation so small that the quotient overflows measures nothing, like one of zero.
        ScoreReason reason =
            baseline is null ? ScoreReason.NoBaseline
            : baseline.SampleCount < minimumSamples ? ScoreReason.InsufficientSamples
            : baseline.StdDev <= RoundingOf(baseline) || !double.IsFinite(z) ? ScoreReason.ZeroVariance
            : ScoreReason.Scored;
        bool scored = reason == ScoreReason.Scored;
        double unusual = scored ? Math.Abs(z) : double.NaN;
        return new TransactionResult
        {
            Id = transaction.Id,
            Status = TransactionStatus.Scored,
            UserId = transaction.UserId,
            CategoryId = transaction.CategoryId,
            Amount = transaction.Amount,
            ZScore = scored ? z : null,
            IsAnomaly = unusual > threshold,
            AlertsFrom = unusual > _rarely ? AlertLevel.Rarely : unusual > threshold ? AlertLevel.Normal : unusual > _often ? AlertLevel.Often : null,
            Reason = reason,
            Baseline = baseline,
            OccurredAt = transaction.OccurredAt,
            AcceptedAt = transaction.AcceptedAt,
            ScoredAt = scoredAt,
            Replaces = transaction.Replaces,
        };
    }

    private static double RoundingOf(Baseline baseline) => Math.Clamp(baseline.SampleCount, 1, LargestSum) * Epsilon * Math.Abs(baseline.Mean);
}
