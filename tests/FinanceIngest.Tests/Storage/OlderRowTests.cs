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

    public static TheoryData<object, string> OtherTypes => new()
    {
        { 12.34m, "12.34" }, // DECIMAL(18,2)
        { 922337203685477.5807m, "922337203685477.5807" }, // MONEY
        { 0.1f, "0.1" }, // REAL, whose double is 0.10000000149011612
        { (byte)7, "7" },
        { (short)-7, "-7" },
        { 7, "7" },
        { 7L, "7" },
    };

    [Theory]
    [MemberData(nameof(OtherTypes))]
    public void An_amount_of_another_numeric_type_is_taken_as_it_is(object original, string expected)
    {
        Assert.Equal((decimal.Parse(expected, CultureInfo.InvariantCulture), null), Row().Amount(original));
        Assert.Equal(new OlderSystemReport(), _report);
    }

    [Fact]
    public void Amounts_of_other_types_are_rounded_and_limited_alike()
    {
        Assert.Equal((1.0002m, 1.00015), Row().Amount((object)1.00015m));
        Assert.Equal((null, 1e15), Row().Amount((object)1_000_000_000_000_000m));
        Assert.Equal((null, -1e18), Row().Amount(-1_000_000_000_000_000_000L));
        Assert.Throws<InvalidCastException>(() => Row().Amount("12"));
        Assert.Throws<InvalidCastException>(() => Row().Amount(DBNull.Value));
        Assert.Equal(new OlderSystemReport { AmountsRounded = 1, AmountsOutOfRange = 2 }, _report);
    }

    [Theory]
    [InlineData("1753-01-01T00:00:00", 1)]
    [InlineData("0001-01-01T00:00:00", 1)]
    [InlineData("1999-12-31T23:59:59", 1)]
    [InlineData("2000-01-01T00:00:00", 0)]
    [InlineData("2026-11-23T12:00:00", 0)]
    [InlineData("2026-11-23T12:00:01", 1)]
    [InlineData("9999-12-31T23:59:59", 1)]
    public void An_absurd_time_is_kept_and_counted(string stored, int absurd)
    {
        DateTime local = DateTime.Parse(stored, CultureInfo.InvariantCulture);

        Assert.Equal(local, Row().Time(local));
        Assert.Equal(new OlderSystemReport { TimesAbsurd = absurd }, _report);
    }

    [Theory]
    [InlineData("Asia/Kolkata", "0001-01-01T00:00:00")]
    [InlineData("America/New_York", "9999-12-31T23:59:59")]
    public void A_time_at_the_end_of_all_times_is_no_failure_in_any_time_zone(string zone, string stored)
    {
        new OlderRow(TimeZoneInfo.FindSystemTimeZoneById(zone), s_now, _report).Time(DateTime.Parse(stored, CultureInfo.InvariantCulture));

        Assert.Equal(1, _report.TimesAbsurd);
    }

    [Fact]
    public void A_time_with_an_offset_is_an_instant_already()
    {
        var stored = new DateTimeOffset(2024, 5, 1, 10, 0, 0, TimeSpan.FromHours(2));

        Assert.Equal(stored.UtcDateTime, new OlderRow(TimeZoneInfo.FindSystemTimeZoneById("Asia/Kolkata"), s_now, _report).Time(stored));
        Assert.Throws<InvalidCastException>(() => Row().Time("yesterday"));
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
