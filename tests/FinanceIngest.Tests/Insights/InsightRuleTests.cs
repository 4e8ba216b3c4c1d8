using FinanceIngest.Insights;
using FinanceIngest.Results;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Insights;

public sealed class InsightRuleTests
{
    private static readonly DateTime s_now = new(2026, 11, 30, 12, 0, 0, DateTimeKind.Utc);

    [Fact]
    public void A_rise_is_told_from_chance_and_one_extraordinary_month_moves_nothing()
    {
        Assert.Null(Trend.Of([1, 2, 3, 4, 5]));
        Assert.Equal(new Trend(10, 1), Trend.Of([100, 110, 120, 130, 140, 150]));
        Assert.Equal(new Trend(-10, -1), Trend.Of([150, 140, 130, 120, 110, 100]));
        Assert.Equal(new Trend(0, 0), Trend.Of([5, 5, 5, 5, 5, 5]));
        Assert.Equal(0, Trend.Of([100, 101, 99, 100, 5000, 100, 101, 100])!.Direction);
        Assert.InRange(Trend.Of([100, 101, 99, 100, 5000, 100, 101, 100])!.PerMonth, -1, 1);
    }

    // S = 13 of 15 pairs without ties: variance 28.33, z = 12 / 5.323 = 2.25. S = 11: z = 1.88, which is chance at five percent.
    [Theory]
    [InlineData(new double[] { 1, 2, 3, 4, 6, 5 }, 1)]
    [InlineData(new double[] { 1, 2, 3, 5, 6, 4 }, 0)]
    public void The_test_is_that_of_Mann_and_Kendall(double[] totals, int direction) => Assert.Equal(direction, Trend.Of(totals)!.Direction);

    [Theory]
    [InlineData(0, 1)]
    [InlineData(0.5, 2.5)]
    [InlineData(0.1, 1.3)]
    [InlineData(1, 4)]
    public void Quantiles_lie_between_their_neighbours(double part, double expected) => Assert.Equal(expected, Trend.Quantile([1, 2, 3, 4], part), 12);

    [Fact]
    public void The_first_rule_that_applies_decides_the_risk()
    {
        double[] steady = [100, 101, 99, 102, 98, 100, 101, 99];
        Assert.Equal(("high", "many_anomalies"), Decision(Risk.Of(100, 3, null, steady)));
        Assert.Equal(("medium", "anomalies"), Decision(Risk.Of(2, 1, null, [])));
        Assert.Equal(("low", "too_little"), Decision(Risk.Of(7, 0, new Trend(1, 1), [])));
        Assert.Equal(("medium", "above_usual_month"), Decision(Risk.Of(100, 0, new Trend(1, 1), [.. steady, 140])));
        Assert.Equal(("medium", "rising"), Decision(Risk.Of(100, 0, new Trend(1, 1), steady)));
        Assert.Equal(("low", "nothing"), Decision(Risk.Of(100, 0, new Trend(-1, -1), steady)));
        Assert.Equal("1 anomaly in the last 90 days.", Risk.Of(2, 1, null, []).Reason);
    }

    [Fact]
    public void Months_stand_beside_the_same_months_of_the_year_before()
    {
        var spending = new Spending(s_now, 3);
        spending.Add(Row(10, new DateTime(2026, 11, 2, 0, 0, 0, DateTimeKind.Utc)));
        spending.Add(Row(5, new DateTime(2025, 11, 30, 23, 59, 59, DateTimeKind.Utc)));
        spending.Add(Row(7, new DateTime(2026, 9, 2, 0, 0, 0, DateTimeKind.Utc), isAnomaly: true));
        spending.Add(Row(1000, new DateTime(2025, 8, 31, 0, 0, 0, DateTimeKind.Utc)));
        spending.Add(Row(1000, new DateTime(2026, 12, 1, 0, 0, 0, DateTimeKind.Utc)));

        Assert.Equal((17m, 2, 1, 1), (spending.Total, spending.Count, spending.Anomalies, spending.RecentAnomalies));
        Assert.Equal((new DateTime(2026, 9, 1, 0, 0, 0, DateTimeKind.Utc), 7m, 0L), (spending.MonthAt(0), spending[0].Month.Total, spending[0].LastYear.Count));
        Assert.Equal((10m, 5m), (spending[2].Month.Total, spending[2].LastYear.Total));

        // The present month is not over, so that no trend looks at it.
        Assert.Equal([7.0, 0.0], spending.FullMonths());
    }

    [Fact]
    public void The_present_month_is_compared_with_as_much_of_the_same_month_a_year_before()
    {
        var spending = new Spending(s_now, 3);
        spending.Add(Row(1, s_now.AddYears(-1)));
        spending.Add(Row(2, s_now.AddYears(-1).AddTicks(1)));
        spending.Add(Row(4, new DateTime(2025, 11, 1, 0, 0, 0, DateTimeKind.Utc)));
        spending.Add(Row(8, new DateTime(2025, 10, 31, 0, 0, 0, DateTimeKind.Utc)));

        Assert.Equal((5m, 2L, 7m), (spending.SoFarLastYear.Total, spending.SoFarLastYear.Count, spending[2].LastYear.Total));
    }

    [Fact]
    public void The_usual_range_needs_eight_amounts_of_the_last_year()
    {
        var spending = new Spending(s_now, 24);
        for (int i = 1; i <= 7; i++)
        {
            spending.Add(Row(i, s_now.AddDays(-i)));
            spending.Add(Row(1000, s_now.AddDays(-370 - i)));
        }

        Assert.Null(spending.Usual());
        spending.Add(Row(8, s_now.AddDays(-8)));
        (double low, double typical, double high, int count) = spending.Usual()!.Value;
        Assert.Equal((1.7, 4.5, 7.3, 8), (Math.Round(low, 9), typical, Math.Round(high, 9), count));
    }

    private static (string Level, string Code) Decision(Risk risk) => (risk.Level, risk.Code);

    private static SpendingRow Row(int amount, DateTime at, bool isAnomaly = false) => new(1, new Money(amount * Money.Scale), at, isAnomaly);
}
