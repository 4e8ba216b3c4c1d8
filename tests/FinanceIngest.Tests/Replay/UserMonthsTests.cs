using FinanceIngest.Replay;
using FinanceIngest.Tests.Storage;

namespace FinanceIngest.Tests.Replay;

public sealed class UserMonthsTests
{
    [Fact]
    public void Each_user_counts_from_his_first_row_to_the_end()
    {
        var months = new UserMonths();
        months.Add(1, Sample.Noon.AddDays(10));
        months.Add(1, Sample.Noon);
        months.Add(2, Sample.Noon.AddDays(30.4));
        months.Add(1, Sample.Noon.AddDays(60.8));

        Assert.Equal(2, months.Users);
        Assert.Equal(3, months.Until(null), 9);
        Assert.Equal(5, months.Until(Sample.Noon.AddDays(91.2)), 9);
        Assert.Equal(2, months.Rate(6, null)!.Value, 9);
    }

    [Fact]
    public void Who_was_seen_for_no_time_has_no_rate()
    {
        var months = new UserMonths();

        Assert.Null(months.Rate(1, null));
        months.Add(1, Sample.Noon);
        Assert.Null(months.Rate(1, null));
    }
}
