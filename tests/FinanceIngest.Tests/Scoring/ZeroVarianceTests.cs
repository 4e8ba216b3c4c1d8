using FinanceIngest.Baselines;
using FinanceIngest.Results;
using FinanceIngest.Scoring;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Scoring;

/// <summary>A deviation that is nothing beside the rounding of the mean itself measures nothing, and every other one counts.</summary>
public sealed class ZeroVarianceTests
{
    private static readonly ZScoreRule s_rule = new(threshold: 3, minimumSamples: 2);

    [Fact]
    public void One_cent_is_no_anomaly_for_a_user_who_always_pays_the_same()
    {
        Baseline sum = Summed(Enumerable.Repeat(9.99, 18));
        Assert.Equal((9.990000000000002, 1.7763568394002505e-15), (sum.Mean, sum.StdDev));

        TransactionResult result = Score(10.00m, sum);

        Assert.Equal((ScoreReason.ZeroVariance, false, (double?)null), (result.Reason, result.IsAnomaly, result.ZScore));
    }

    [Theory]
    [InlineData(0.0001)]
    [InlineData(0.1)]
    [InlineData(9.99)]
    [InlineData(-33.33)]
    [InlineData(123456.7891)]
    [InlineData(1e14)]
    [InlineData(98765432109876.5432)]
    public void The_sum_of_equal_values_never_has_a_deviation_whatever_their_size_and_number(double value)
    {
        foreach (int n in new[] { 2, 3, 10, 100, 1000, 100_000 })
        {
            Baseline sum = Summed(Enumerable.Repeat(value, n));
            Assert.Equal(ScoreReason.ZeroVariance, Score(1, sum).Reason);
        }
    }

    [Theory]
    [InlineData(0.0001, 0.00001, 40)]
    [InlineData(10, 0.0001, 2)]
    [InlineData(10, 1e-12, 40)]
    [InlineData(1_000_000, 0.0001, 1000)]
    [InlineData(1e14, 100, 40)]
    [InlineData(-2000, 0.01, 1_000_000_000)]
    [InlineData(2000, 500, long.MaxValue)]
    [InlineData(0, 1e-9, 40)]
    [InlineData(0, 5, 1_000_000_000)]
    public void A_real_deviation_counts(double mean, double deviation, long n)
    {
        TransactionResult result = Score(1, new Baseline(mean, deviation, n));

        Assert.Equal(ScoreReason.Scored, result.Reason);
        Assert.Equal((1 - mean) / deviation, result.ZScore);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, double.Epsilon)] // the quotient overflows
    [InlineData(double.Epsilon, double.Epsilon)]
    [InlineData(5e-310, 1e-310)]
    [InlineData(1, 4.4e-16)]
    public void Nothing_is_divided_by_nothing(double mean, double deviation) =>
        Assert.Equal(ScoreReason.ZeroVariance, Score(1, new Baseline(mean, deviation, 2)).Reason);

    [Fact]
    public void The_floor_is_n_times_epsilon_of_the_mean_for_as_many_as_anybody_adds_up()
    {
        double epsilon = Math.Pow(2, -52);
        Assert.Equal(ScoreReason.ZeroVariance, Score(1, new Baseline(1000, 40 * epsilon * 1000, 40)).Reason);
        Assert.Equal(ScoreReason.Scored, Score(1, new Baseline(1000, Math.BitIncrement(40 * epsilon * 1000), 40)).Reason);
        Assert.Equal(ScoreReason.ZeroVariance, Score(1, new Baseline(1000, 2e-4, 1_000_000_000)).Reason);
        Assert.Equal(ScoreReason.Scored, Score(1, new Baseline(1000, 2.4e-4, long.MaxValue)).Reason);
    }

    // As a loop over doubles computes them.
    private static Baseline Summed(IEnumerable<double> values)
    {
        double[] all = [.. values];
        double sum = 0;
        foreach (double value in all)
        {
            sum += value;
        }

        double mean = sum / all.Length;
        double squares = 0;
        foreach (double value in all)
        {
            squares += (value - mean) * (value - mean);
        }

        return new Baseline(mean, Math.Sqrt(squares / all.Length), all.Length);
    }

    private static TransactionResult Score(decimal amount, Baseline baseline) => s_rule.Score(
        new Transaction(Guid.NewGuid(), 399, 2310, Money.FromDecimal(amount), DateTime.UnixEpoch, DateTime.UnixEpoch), baseline, DateTime.UnixEpoch);
}
