using FinanceIngest.Detection;

namespace FinanceIngest.Tests.Detection;

/// <summary>What a verdict changes: the next score at once, and the category's table over time.</summary>
public sealed class FeedbackTests
{
    private static readonly DateTime s_now = History.Start.AddDays(200);

    [Fact]
    public void What_was_expected_is_quiet_when_it_comes_again()
    {
        History history = Habit();
        Contribution row = history.Next(5_000, s_now).Contribution;
        double before = history.Score(5_000, s_now.AddDays(31)).Odds, other = history.Score(60, s_now.AddHours(1)).Episode;
        Answer(history, row, FeedbackVerdict.Expected, 5_000);
        Assert.True(history.Score(5_000, s_now.AddDays(31)).Odds < before);
        Assert.True(history.Score(60, s_now.AddHours(1)).Episode < other);
        Assert.NotNull(history.Score(5_000, s_now.AddDays(31)).RemembersDay);
    }

    [Fact]
    public void What_was_expected_is_quiet_at_once()
    {
        var thresholds = AlertThresholds.For(new OddsTable(), 0, alertsPerUserMonth: 0.25);
        History history = Habit();
        Contribution row = history.Next(5_000, s_now).Contribution;
        DateTime soon = s_now.AddMinutes(1);
        Assert.True(thresholds.IsAnomaly(history.Score(5_000, soon), AlertLevel.Normal));
        Answer(history, row, FeedbackVerdict.Expected, 5_000);
        Assert.False(thresholds.IsAnomaly(history.Score(5_000, soon), AlertLevel.Normal));
        Assert.False(thresholds.IsAnomaly(history.Score(5_040, soon), AlertLevel.Normal));
        Assert.True(thresholds.IsAnomaly(history.Score(20_000, soon), AlertLevel.Normal));
    }

    [Fact]
    public void What_was_unexpected_teaches_nothing_and_has_the_account_watched_for_a_while()
    {
        History history = Habit();
        KeyState before = history.Key;
        double quiet = history.Score(150, s_now.AddHours(1)).Odds;
        Contribution row = history.Next(5_000, s_now).Contribution;
        Answer(history, row, FeedbackVerdict.Unexpected, 5_000);
        Assert.Equal(before.Amounts.High, history.Key.Amounts.High, 1e-9 * before.Amounts.High);
        Assert.Equal(before.Weight.High, history.Key.Weight.High, 1e-9 * before.Weight.High);
        Assert.Null(history.Score(5_000, s_now.AddDays(31)).RemembersDay);
        Assert.True(history.Score(150, s_now.AddHours(1)).Odds > quiet + 1);
        Assert.True(history.Score(150, s_now.AddDays(90)).Episode < 0.01);
    }

    [Fact]
    public void A_verdict_that_is_changed_leaves_nothing_of_the_first()
    {
        History history = Habit();
        Contribution row = history.Next(5_000, s_now).Contribution;
        Contribution unexpected = Feedback.After(row, FeedbackVerdict.Unexpected, history.Key, 5_000, s_now, AdaptiveSettings.Default);
        Contribution changed = Feedback.After(row, FeedbackVerdict.Expected, history.Key, 5_000, s_now, AdaptiveSettings.Default);
        (KeyState Key, UserState User) direct = (history.Key, history.User);
        Replace(ref direct.Key, ref direct.User, row, changed);
        Replace(ref history.Key, ref history.User, row, unexpected);
        Replace(ref history.Key, ref history.User, unexpected, changed);
        History.AssertAlike(direct, (history.Key, history.User));
    }

    [Fact]
    public void Verdicts_of_a_size_raise_or_lower_the_odds_of_that_size_and_are_taken_out_again()
    {
        var table = new VerdictTable();
        Assert.Equal(0, table.CorrectionFor(500));
        for (int i = 0; i < 6; i++)
        {
            table.Add(500, FeedbackVerdict.Unexpected, 0.3);
            table.Add(40, FeedbackVerdict.Expected, 0.3);
        }

        Assert.True(table.CorrectionFor(500) > 1);
        Assert.True(table.CorrectionFor(520) > 0.5);
        Assert.True(table.CorrectionFor(40) < -0.5);
        Assert.Equal(0, table.CorrectionFor(50_000));
        for (int i = 0; i < 6; i++)
        {
            table.Add(500, FeedbackVerdict.Unexpected, 0.3, -1);
        }

        Assert.Equal(0, table.CorrectionFor(500));
    }

    private static History Habit()
    {
        var history = new History();
        for (int day = 0; day < 190; day++)
        {
            history.Next(50 + (day * 17 % 40), History.Start.AddDays(day));
        }

        return history;
    }

    private static void Answer(History history, in Contribution row, FeedbackVerdict verdict, double amount) =>
        Replace(ref history.Key, ref history.User, row, Feedback.After(row, verdict, history.Key, amount, s_now, AdaptiveSettings.Default));

    private static void Replace(ref KeyState key, ref UserState user, in Contribution before, in Contribution after)
    {
        key.Remove(before, s_now);
        user.Remove(before, s_now);
        key.Apply(after, s_now);
        user.Apply(after, s_now);
    }
}
