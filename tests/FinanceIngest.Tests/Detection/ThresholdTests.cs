using FinanceIngest.Detection;

namespace FinanceIngest.Tests.Detection;

/// <summary>Thresholds spend the budget of alerts that a user asked for, tables add up, and priors come from the states alone.</summary>
public sealed class ThresholdTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(0.25)]
    [InlineData(0.1)]
    public void The_thresholds_let_through_what_the_budget_allows(double budget)
    {
        const int users = 2_000;
        var random = new Random(1);
        double[] odds = [.. Enumerable.Range(0, users * 60).Select(_ => -6 - (2 * Math.Log(1 - random.NextDouble())))];
        var table = new OddsTable();
        foreach (double value in odds)
        {
            table.Add(OddsTable.BinOf(value, mayAlert: true), 1);
        }

        var thresholds = AlertThresholds.For(table, users, budget);
        Assert.InRange(odds.Count(value => value >= thresholds.Normal) / (users * budget), 0.95, 1.05);
        Assert.InRange(odds.Count(value => value >= thresholds.Rarely) / (users * budget), 0.35, 0.45);
        Assert.InRange(odds.Count(value => value >= thresholds.Often) / (users * budget), 3.8, 4.2);
        Assert.Equal(double.PositiveInfinity, thresholds.Of(AlertLevel.Never));
    }

    [Fact]
    public void Before_anything_was_seen_a_smaller_budget_has_a_higher_threshold()
    {
        var small = AlertThresholds.For(new OddsTable(), 0, 0.1);
        var large = AlertThresholds.For(new OddsTable(), 0, 1);
        Assert.True(small.Normal > large.Normal);
        Assert.True(small.Rarely > small.Normal && small.Normal > small.Often);
    }

    [Fact]
    public void Counts_of_surprises_are_taken_out_again()
    {
        var table = new CalibrationTable();
        table.Add(CalibrationTable.BucketOf(4), CalibrationTable.BinOf(0.001));
        table.Add(CalibrationTable.BucketOf(5), CalibrationTable.BinOf(0.5));
        Assert.Equal((2, 1), table.Count(CalibrationTable.BucketOf(3), CalibrationTable.BinOf(0.01)));
        table.Add(CalibrationTable.BucketOf(4), CalibrationTable.BinOf(0.001), -1);
        Assert.Equal((1, 0), table.Count(CalibrationTable.BucketOf(3), CalibrationTable.BinOf(0.01)));
        Assert.Equal(CalibrationTable.Bins - 1, CalibrationTable.BinOf(0));
        Assert.Equal(CalibrationTable.Buckets - 1, CalibrationTable.BucketOf(int.MaxValue));
    }

    [Fact]
    public void Priors_are_the_same_in_any_order_of_the_states_and_are_read_back()
    {
        KeyState[] states = [.. Enumerable.Range(0, 30).Select(seed => new History().Fill(40, seed).Key)];
        var season = new SeasonSums();
        new History().Fill(400, 1).Rows.ForEach(row => season.Apply(row.Contribution, row.At));
        var seasons = new Dictionary<CategoryKey, SeasonSums> { [new CategoryKey(1, false)] = season };
        CategoryPrior one = Renew(states), other = Renew(states.Reverse());
        Assert.Equal(one.Known.Level, other.Known.Level, 1e-9);
        Assert.Equal(one.Known.PlainSpread, other.Known.PlainSpread, 1e-9);
        Assert.Equal(one.Tail.RarityOf(2), other.Tail.RarityOf(2), 1e-6);
        Assert.Equal(30, one.Known.Users);
        byte[] bytes = new byte[CategoryPrior.Size];
        one.Write(bytes);
        var again = CategoryPrior.Read(bytes);
        Assert.Equal(one.Known, again.Known);
        Assert.Equal(one.OffsetOf(History.Start), again.OffsetOf(History.Start));
        Assert.Equal(one.Tail.RarityOf(1.7), again.Tail.RarityOf(1.7));

        CategoryPrior Renew(IEnumerable<KeyState> order)
        {
            var renewal = new PriorRenewal(History.Start.AddDays(20), 3, AdaptiveSettings.Default);
            foreach (KeyState state in order)
            {
                renewal.Add(new CategoryKey(1, false), state);
            }

            return renewal.Finish(seasons).Categories[new CategoryKey(1, false)];
        }
    }

    [Fact]
    public void A_season_is_seen_and_goes_with_its_rows()
    {
        var season = new SeasonSums();
        List<(Contribution Row, DateTime At)> rows = [];
        for (int day = 0; day < 700; day++)
        {
            DateTime at = History.Start.AddDays(day);
            rows.Add((new Contribution { Weight = 1, Seasonal = at.DayOfWeek == DayOfWeek.Saturday ? 0.6f : 0 }, at));
        }

        rows.ForEach(row => season.Apply(row.Row, row.At));
        double[] offsets = season.Offsets();
        Assert.True(offsets[(int)DayOfWeek.Saturday] > offsets[(int)DayOfWeek.Monday] + 0.1);
        rows.ForEach(row => season.Remove(row.Row, row.At));
        Assert.All(season.Offsets(), offset => Assert.Equal(0, offset));
    }

    [Fact]
    public void Priors_are_renewed_daily_in_the_first_fortnight_and_weekly_from_then_on()
    {
        Assert.Equal(History.Start.Date.AddDays(4), RenewalSchedule.After(History.Start, History.Start.AddDays(3)));
        Assert.Equal(History.Start.Date.AddDays(27), RenewalSchedule.After(History.Start, History.Start.AddDays(20)));
        Assert.Equal(DateTime.MaxValue, RenewalSchedule.After(History.Start, DateTime.MaxValue));
    }
}
