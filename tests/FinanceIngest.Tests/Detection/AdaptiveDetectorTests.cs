using FinanceIngest.Detection;

namespace FinanceIngest.Tests.Detection;

/// <summary>The learning detector's scores: finite whatever comes, and in the order in which a person would put them.</summary>
public sealed class AdaptiveDetectorTests
{
    private static readonly double[] s_amounts =
        [0, 0.0001, -0.0001, 0.01, 1, -1, 3.5, 100, -100, 1e6, 922_337_203_685_477.5807, -922_337_203_685_477.5807];

    private static readonly DateTime[] s_times =
    [
        DateTime.SpecifyKind(DateTime.MinValue, DateTimeKind.Utc), new(1969, 7, 20, 0, 0, 0, DateTimeKind.Utc), History.Start, History.Start.AddTicks(1),
        History.Start.AddDays(-4000), new(2150, 1, 1, 0, 0, 0, DateTimeKind.Utc), DateTime.SpecifyKind(DateTime.MaxValue, DateTimeKind.Utc),
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Every_score_is_finite_whatever_comes_in_whatever_order(int seed)
    {
        var random = new Random(seed);
        for (int round = 0; round < 50; round++)
        {
            var history = new History { Prior = round % 2 == 0 ? CategoryPrior.Unknown : PriorOf(random) };
            double few = s_amounts[random.Next(s_amounts.Length)];
            for (int i = 0; i < 60; i++)
            {
                double amount = random.Next(3) == 0 ? s_amounts[random.Next(s_amounts.Length)] : few * (random.Next(2) == 0 ? 1 : random.NextDouble());
                DateTime time = random.Next(2) == 0 ? s_times[random.Next(s_times.Length)] : History.Start.AddDays(i);
                AssertFinite(history.Next(amount, time), amount);
            }
        }
    }

    [Fact]
    public void A_constant_payment_is_quiet_and_any_other_is_surprising()
    {
        var history = new History { Prior = PriorOfConstants() };
        for (int month = 0; month < 24; month++)
        {
            history.Next(899, History.Start.AddDays(30 * month));
        }

        DateTime now = History.Start.AddDays(720);
        Assert.True(history.Score(899, now).Surprise > 0.2);
        Assert.True(history.Score(2 * 899, now).Surprise < 0.001);
        Assert.True(history.Score(2 * 899, now).Odds > history.Score(899, now).Odds + 5);
    }

    [Fact]
    public void An_unusual_amount_is_surprising_once_and_expected_when_it_comes_again()
    {
        var history = new History();
        for (int day = 0; day < 200; day++)
        {
            history.Next(900 + (day * 37 % 200), History.Start.AddDays(day));
        }

        Judgement first = history.Next(10_000, History.Start.AddDays(200));
        Judgement second = history.Next(10_000, History.Start.AddDays(230));
        Judgement other = history.Score(8_000, History.Start.AddDays(230));
        Assert.True(first.Surprise < 0.001);
        Assert.True(second.Surprise > 10 * first.Surprise);
        Assert.True(second.Odds < first.Odds - 3);
        Assert.NotNull(second.RemembersDay);
        Assert.Null(other.RemembersDay);
    }

    [Fact]
    public void The_same_unusual_amount_within_five_days_vouches_for_nothing()
    {
        History history = new History().Fill(300, 3);
        DateTime now = History.Start.AddDays(200);
        history.Next(77_777, now);
        Assert.Null(history.Next(77_777, now.AddDays(2)).RemembersDay);
    }

    [Fact]
    public void Suspicious_payments_raise_the_odds_of_the_next_ones_for_some_days_only()
    {
        History history = new History().Fill(300, 4);
        DateTime now = History.Start.AddDays(200);
        double before = history.Score(250, now).Odds;
        for (int i = 0; i < 3; i++)
        {
            history.Next(5_000 + (i * 1_111), now.AddHours(i));
        }

        Assert.True(history.Score(250, now.AddHours(5)).Odds > before + 1);
        Assert.True(history.Score(250, now.AddHours(5)).Episode > 0.3);
        Assert.True(history.Score(250, now.AddDays(60)).Episode < 0.02);
    }

    [Fact]
    public void What_is_high_is_told_and_what_is_low_is_not()
    {
        var history = new History { Prior = PriorOfConstants() };
        for (int i = 0; i < 200; i++)
        {
            history.Next(50 + (i * 17 % 40), History.Start.AddDays(i));
        }

        Judgement high = history.Score(500, History.Start.AddDays(201)), low = history.Score(0.5, History.Start.AddDays(201));
        Assert.True(high.Odds > low.Odds);
        Assert.InRange(high.Surprise, 0, 0.01);
        Assert.InRange(low.SurpriseBelow, 0, 0.01);
        Assert.InRange(low.Surprise, 0.9, 1);
    }

    [Fact]
    public void Suspicious_amounts_teach_little()
    {
        History history = new History().Fill(100, 6);
        double before = history.Score(100, History.Start.AddDays(40)).Usual.High;
        Contribution taught = history.Next(1e9, History.Start.AddDays(40)).Contribution;
        Assert.Equal(AdaptiveSettings.Default.LeastWeight, taught.Weight, 1e-6);
        Assert.True(history.Score(100, History.Start.AddDays(40)).Usual.High < 2 * before);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(200)]
    public void No_amount_is_so_high_that_it_is_no_longer_told(int rows)
    {
        var history = new History { Prior = PriorOfConstants() };
        for (int i = 0; i < rows; i++)
        {
            history.Next(50 + (i * 17 % 40), History.Start.AddDays(i));
        }

        double before = double.NegativeInfinity;
        for (double amount = 2 * Math.Exp(history.Score(1, History.Start.AddDays(rows)).UsualLog); amount < 1e14; amount *= 1.3)
        {
            Judgement judgement = history.Score(amount, History.Start.AddDays(rows));
            Assert.True(judgement.Odds >= Math.Min(before, 1), $"{amount}: {judgement.Odds} after {before}");
            before = Math.Max(before, judgement.Odds);
        }

        Assert.True(before > 1);
    }

    [Fact]
    public void Until_anything_is_known_nothing_is_an_anomaly()
    {
        Judgement judgement = new History().Score(1e9, History.Start);
        Assert.False(judgement.IsKnown);
        Assert.False(AlertThresholds.For(new OddsTable(), 0, 100).IsAnomaly(judgement, AlertLevel.Often));
    }

    // Twenty users, each of whom pays an amount of his own every month.
    private static CategoryPrior PriorOfConstants()
    {
        var renewal = new PriorRenewal(History.Start, 1, AdaptiveSettings.Default);
        for (int user = 0; user < 20; user++)
        {
            var history = new History();
            for (int month = 0; month < 12; month++)
            {
                history.Next(200 * Math.Pow(1.2, user), History.Start.AddDays(30 * (month - 12)));
            }

            renewal.Add(new CategoryKey(1, false), history.Key);
        }

        return renewal.Finish(new Dictionary<CategoryKey, SeasonSums>()).Categories[new CategoryKey(1, false)];
    }

    private static CategoryPrior PriorOf(Random random)
    {
        var renewal = new PriorRenewal(History.Start, 1, AdaptiveSettings.Default);
        for (int user = 0; user < random.Next(10); user++)
        {
            renewal.Add(new CategoryKey(1, false), new History().Fill(random.Next(40), random.Next()).Key);
        }

        (Dictionary<CategoryKey, CategoryPrior> categories, CategoryPrior others) = renewal.Finish(new Dictionary<CategoryKey, SeasonSums>());
        return categories.GetValueOrDefault(new CategoryKey(1, false), others);
    }

    private static void AssertFinite(in Judgement judgement, double amount)
    {
        ReadOnlySpan<double> numbers =
        [
            judgement.Odds, judgement.Surprise, judgement.SurpriseBelow, judgement.Suspicion, judgement.ZScore, judgement.Mean, judgement.Deviation,
            judgement.Usual.Low, judgement.Usual.Typical, judgement.Usual.High, judgement.Episode, judgement.Size, judgement.UsualLog,
            judgement.Contribution.Amount, judgement.Contribution.Log, judgement.Contribution.Weight, judgement.Contribution.Evidence,
            judgement.Contribution.Episode, judgement.Contribution.Residual, judgement.Contribution.Seasonal,
        ];
        foreach (double number in numbers)
        {
            Assert.True(double.IsFinite(number), $"{amount}: {judgement}");
        }

        Assert.InRange(judgement.Surprise, 0, 1);
        Assert.InRange(judgement.SurpriseBelow, 0, 1);
        Assert.InRange(judgement.Suspicion, 0, 1);
        Assert.True(judgement.Deviation > 0);
        Assert.True(judgement.Usual.Low <= judgement.Usual.High);
    }
}
