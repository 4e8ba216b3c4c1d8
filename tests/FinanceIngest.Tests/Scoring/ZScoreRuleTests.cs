using FinanceIngest.Baselines;
using FinanceIngest.Results;
using FinanceIngest.Scoring;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Scoring;

public sealed class ZScoreRuleTests
{
    private static readonly ZScoreRule s_rule = new(threshold: 3, minimumSamples: 2);

    [Theory]
    [InlineData(2500, 1.0, false)]
    [InlineData(6000, 8.0, true)]
    [InlineData(3500, 3.0, false)]
    [InlineData(500, -3.0, false)]
    [InlineData(499, -3.002, true)]
    public void The_older_systems_example_and_the_edges_of_the_threshold(long amount, double z, bool anomaly)
    {
        TransactionResult result = Score(amount, new Baseline(2000, 500, 40));
        Assert.Equal(z, result.ZScore);
        Assert.Equal(anomaly, result.IsAnomaly);
        Assert.Equal(ScoreReason.Scored, result.Reason);
        Assert.Equal(TransactionStatus.Scored, result.Status);
    }

    [Fact]
    public void Without_a_usable_baseline_there_is_a_reason_instead_of_a_score()
    {
        Assert.Equal(ScoreReason.NoBaseline, Unscored(null));
        Assert.Equal(ScoreReason.InsufficientSamples, Unscored(new Baseline(2000, 500, 1)));
        Assert.Equal(ScoreReason.InsufficientSamples, Unscored(new Baseline(2000, 0, 1)));
        Assert.Equal(ScoreReason.ZeroVariance, Unscored(new Baseline(2000, 0, 40)));
        Assert.Equal(ScoreReason.ZeroVariance, Unscored(new Baseline(2000, double.Epsilon, 40)));
    }

    private static ScoreReason? Unscored(Baseline? baseline)
    {
        TransactionResult result = Score(6000, baseline);
        Assert.Null(result.ZScore);
        Assert.False(result.IsAnomaly);
        Assert.Equal(baseline, result.Baseline);
        return result.Reason;
    }

    private static TransactionResult Score(long amount, Baseline? baseline)
    {
        var transaction = new Transaction(
            Guid.NewGuid(), 399, 2310, new Money(amount * Money.Scale), DateTime.UnixEpoch, DateTime.UnixEpoch);
        return s_rule.Score(transaction, baseline, DateTime.UnixEpoch);
    }
}
