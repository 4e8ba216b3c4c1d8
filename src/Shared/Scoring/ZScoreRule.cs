using FinanceIngest.Baselines;
using FinanceIngest.Results;
using FinanceIngest.Transactions;

namespace FinanceIngest.Scoring;

/// <summary>
/// The scoring rule: z = (amount − mean) / std_dev, the standard score (https://www.itl.nist.gov/div898/handbook/eda/section3/eda35h.htm), in IEEE double. A
/// transaction is an anomaly when |z| is greater than the threshold.
/// </summary>
/// <param name="threshold">≥ 0.</param>
/// <param name="minimumSamples">A baseline of fewer samples than this is not used; ≥ 1.</param>
internal sealed class ZScoreRule(double threshold, int minimumSamples)
{
    /// <summary>Scores one transaction; a pure function.</summary>
    public TransactionResult Score(Transaction transaction, Baseline? baseline, DateTime scoredAt)
    {
        double z = baseline is null ? double.NaN : (transaction.Amount.ToDouble() - baseline.Mean) / baseline.StdDev;

        // A deviation so small that the quotient overflows measures nothing, like one of zero.
        ScoreReason reason =
            baseline is null ? ScoreReason.NoBaseline
            : baseline.SampleCount < minimumSamples ? ScoreReason.InsufficientSamples
            : baseline.StdDev <= 0 || !double.IsFinite(z) ? ScoreReason.ZeroVariance
            : ScoreReason.Scored;
        bool scored = reason == ScoreReason.Scored;
        return new TransactionResult
        {
            Id = transaction.Id,
            Status = TransactionStatus.Scored,
            UserId = transaction.UserId,
            CategoryId = transaction.CategoryId,
            Amount = transaction.Amount,
            ZScore = scored ? z : null,
            IsAnomaly = scored && Math.Abs(z) > threshold,
            Reason = reason,
            Baseline = baseline,
            OccurredAt = transaction.OccurredAt,
            AcceptedAt = transaction.AcceptedAt,
            ScoredAt = scoredAt,
        };
    }
}
