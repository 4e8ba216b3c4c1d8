using FinanceIngest.Detection;

namespace FinanceIngest.Tests.Detection;

/// <summary>What a detector knows is the sum of what its rows say that they contributed: in any order, after any row was taken out, to a relative
/// 1e-9.</summary>
public sealed class ExactnessTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void The_state_is_the_same_in_any_order_of_the_rows(int seed)
    {
        History history = new History().Fill(2_000, seed);
        (Contribution, DateTime)[] shuffled = [.. history.Rows];
        new Random(seed).Shuffle(shuffled);
        History.AssertAlike((history.Key, history.User), History.Sum(shuffled));
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public void Rows_that_are_taken_out_leave_the_sum_of_the_others(int seed)
    {
        History history = new History().Fill(2_000, seed);
        (Contribution Contribution, DateTime At)[] shuffled = [.. history.Rows];
        new Random(seed).Shuffle(shuffled);
        for (int left = shuffled.Length; left > 0; left--)
        {
            (Contribution contribution, DateTime at) = shuffled[left - 1];
            history.Key.Remove(contribution, at);
            history.User.Remove(contribution, at);
            if (left % 97 == 0 || left < 20)
            {
                History.AssertAlike(History.Sum(shuffled[..(left - 1)]), (history.Key, history.User));
            }
        }

        Assert.Equal(0, history.Key.Weight.High);
        Assert.Equal(0, history.User.Slow.High);
    }

    [Fact]
    public void A_million_rows_that_come_and_go_leave_the_sum_of_the_rest()
    {
        History history = new History().Fill(1_000, 6);
        (KeyState key, UserState user) = (history.Key, history.User);
        List<(Contribution Contribution, DateTime At)> present = [.. history.Rows];
        List<(Contribution Contribution, DateTime At)> absent = [];
        var random = new Random(6);
        for (int i = 0; i < 1_000_000; i++)
        {
            bool comes = absent.Count > 0 && (present.Count == 0 || random.Next(2) == 0);
            (List<(Contribution, DateTime)> from, List<(Contribution, DateTime)> to) = comes ? (absent, present) : (present, absent);
            int at = random.Next(from.Count);
            (Contribution contribution, DateTime time) = from[at];
            from[at] = from[^1];
            from.RemoveAt(from.Count - 1);
            to.Add((contribution, time));
            if (comes)
            {
                key.Apply(contribution, time);
                user.Apply(contribution, time);
            }
            else
            {
                key.Remove(contribution, time);
                user.Remove(contribution, time);
            }
        }

        History.AssertAlike(History.Sum(present), (key, user));
    }

    [Fact]
    public void A_state_says_when_its_sums_have_to_be_made_again()
    {
        var history = new History();
        history.Key.Apply(new Contribution { Weight = 1, Amount = 3.5, Log = 1 }, History.Start);
        var huge = new Contribution { Weight = 1, Amount = 9e14, Log = 34 };
        history.Key.Apply(huge, History.Start);
        Assert.True(history.Key.IsPrecise);
        history.Key.Remove(huge, History.Start);
        Assert.False(history.Key.IsPrecise);
        (history.Key, _) = History.Sum([(new Contribution { Weight = 1, Amount = 3.5, Log = 1 }, History.Start)]);
        Assert.True(history.Key.IsPrecise);
    }

    [Fact]
    public void Retention_ends_remembered_amounts_and_keeps_the_sums()
    {
        var history = new History();
        for (int month = 0; month < 12; month++)
        {
            history.Next(40 + month, History.Start.AddDays(30 * month));
        }

        history.Next(10_000, History.Start.AddDays(400));
        (Contribution contribution, DateTime at) = history.Rows[^1];
        Assert.NotEqual(0, contribution.Slot);
        double sum = history.Key.Amounts.High;
        history.Key.Forget(contribution, at);
        Assert.Equal(0, history.Key.Remembered[contribution.Slot - 1].Count);
        Assert.Equal(sum, history.Key.Amounts.High);
        Assert.Equal(13, history.Key.Rows);
    }

    [Fact]
    public void A_place_that_was_taken_anew_ignores_rows_of_the_amount_before()
    {
        KeyState key = default;
        var first = new Contribution { Weight = 1, Slot = 1, Generation = 1, SlotLog = 5, SlotFirstDay = 20_000 };
        var second = new Contribution { Weight = 1, Slot = 1, Generation = 2, SlotLog = 6, SlotFirstDay = 20_100 };
        key.Apply(second, History.Start);
        key.Apply(first, History.Start);
        Assert.Equal((6f, (byte)1), (key.Remembered[0].Log, key.Remembered[0].Count));
        key.Remove(first, History.Start);
        Assert.Equal((6f, (byte)1), (key.Remembered[0].Log, key.Remembered[0].Count));
        key.Remove(second, History.Start);
        Assert.Equal(0, key.Remembered[0].Count);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.5)]
    [InlineData(-3.75)]
    [InlineData(200)]
    [InlineData(-999.999)]
    public void The_power_of_two_is_the_mathematical_one(double exponent) =>
        Assert.Equal(1, Fading.PowerOfTwo(exponent) / Math.Pow(2, exponent), 1e-14);
}
