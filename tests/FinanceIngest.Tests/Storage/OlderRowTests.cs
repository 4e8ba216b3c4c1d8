using System.Globalization;
using FinanceIngest.Storage;
using FinanceIngest.Storage.SqlServer;

namespace FinanceIngest.Tests.Storage;

/// <summary>How the upgrade converts single values of the older system.</summary>
public sealed class OlderRowTests
{
    private static readonly DateTime s_now = new(2026, 11, 22, 12, 0, 0, DateTimeKind.Utc);
    private readonly OlderSystemReport _report = new();

    [Theory]
    [InlineData(25000, "25000")]
    [InlineData(0.1, "0.1")] // no double equals one tenth; its shortest decimal form does
    [InlineData(1234.5678, "1234.5678")]
    [InlineData(-0.0001, "-0.0001")]
    [InlineData(0.0, "0")]
    [InlineData(99999999999.99, "99999999999.99")]
    [InlineData(922337203685477.5, "922337203685477.5")]
    public void An_amount_with_up_to_four_decimals_stays_as_it_is(double original, string expected)
    {
        (decimal? amount, double? legacy) = Row().Amount(original);

        Assert.Equal(decimal.Parse(expected, CultureInfo.InvariantCulture), amount);
        Assert.Null(legacy);
        Assert.Equal(new OlderSystemReport(), _report);
    }

    [Theory]
    [InlineData(1.00005, "1.0000")] // rounds half to even, here down
    [InlineData(1.00015, "1.0002")] // rounds half to even, here up
    [InlineData(-1.00015, "-1.0002")]
    [InlineData(1.000050001, "1.0001")]
    [InlineData(0.00005, "0")]
    [InlineData(1e-300, "0")]
    [InlineData(33.333333333333336, "33.3333")]
    public void An_amount_with_more_decimals_is_rounded_half_even_and_kept_beside(double original, string expected)
    {
        (decimal? amount, double? legacy) = Row().Amount(original);

        Assert.Equal(decimal.Parse(expected, CultureInfo.InvariantCulture), amount);
        Assert.Equal(original, legacy);
        Assert.Equal(new OlderSystemReport { AmountsRounded = 1 }, _report);
    }

    [Theory]
    [InlineData(922337203685478)]
    [InlineData(-1e15)]
    [InlineData(1.7976931348623157e308)]
    public void An_amount_that_is_too_large_is_only_kept_beside(double original)
    {
        Assert.Equal((null, original), Row().Amount(original));
        Assert.Equal(new OlderSystemReport { AmountsOutOfRange = 1 }, _report);
    }

    [Theory]
    [InlineData(true, 0.5, true, 0)]
    [InlineData(false, 9.0, false, 0)]
    [InlineData(null, 3.0, false, 1)]
    [InlineData(null, -3.5, true, 1)]
    [InlineData(null, null, false, 1)]
    public void An_empty_flag_is_filled_in_by_the_older_rule(bool? original, double? zScore, bool expected, int filledIn)
    {
        Assert.Equal(expected, Row().IsAnomaly(original, zScore));
        Assert.Equal(new OlderSystemReport { FlagsFilledIn = filledIn }, _report);
    }

    [Theory]
    [InlineData("UTC", "2024-05-01T10:00:00", "2024-05-01T10:00:00", 0)]
    [InlineData("Asia/Kolkata", "2024-05-01T10:00:00", "2024-05-01T04:30:00", 0)]
    [InlineData("Europe/Berlin", "2024-07-01T10:00:00", "2024-07-01T08:00:00", 0)]
    [InlineData("Europe/Berlin", "2024-10-27T02:30:00", "2024-10-27T01:30:00", 1)] // this local time occurs twice
    [InlineData("Europe/Berlin", "2024-03-31T02:30:00", "2024-03-31T01:30:00", 1)] // this local time does not exist
    public void A_local_time_becomes_an_instant(string zone, string local, string expected, int ambiguous)
    {
        DateTime instant = new OlderRow(TimeZoneInfo.FindSystemTimeZoneById(zone), s_now, _report).Time(DateTime.Parse(local, CultureInfo.InvariantCulture));

        Assert.Equal(DateTime.Parse(expected, CultureInfo.InvariantCulture), instant);
        Assert.Equal(DateTimeKind.Utc, instant.Kind);
        Assert.Equal(new OlderSystemReport { TimesAmbiguous = ambiguous }, _report);
    }

    [Fact]
    public void An_empty_time_is_that_of_the_upgrade()
    {
        Assert.Equal(s_now, Row().Time(null));
        Assert.Equal(new OlderSystemReport { TimesFilledIn = 1 }, _report);
    }

    private OlderRow Row() => new(TimeZoneInfo.Utc, s_now, _report);
}
