using CsCheck;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Transactions;

public sealed class TimestampTests
{
    [Theory]
    [InlineData("2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000000Z")]
    [InlineData("2026-01-31t12:00:00z", "2026-01-31T12:00:00.000000Z")]
    [InlineData("2026-01-31 12:00:00Z", "2026-01-31T12:00:00.000000Z")]
    [InlineData("2026-01-31T12:00:00+05:30", "2026-01-31T06:30:00.000000Z")]
    [InlineData("2026-01-31T12:00:00-23:59", "2026-02-01T11:59:00.000000Z")]
    [InlineData("2026-01-31T12:00:00.1234567891Z", "2026-01-31T12:00:00.123456Z")]
    [InlineData("2026-01-31T12:00:00.5-00:00", "2026-01-31T12:00:00.500000Z")]
    [InlineData("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000000Z")]
    [InlineData("2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000000Z")]
    public void Reads_rfc_3339(string text, string utc)
    {
        Assert.True(Timestamp.TryParseRfc3339(text, out DateTime instant));
        Assert.Equal(utc, Timestamp.ToText(instant));
        Assert.Equal(DateTimeKind.Utc, instant.Kind);
    }

    [Theory]
    [InlineData("")]
    [InlineData("2026-01-31")]
    [InlineData("2026-01-31T12:00:00")]
    [InlineData("2026-01-31T12:00Z")]
    [InlineData("2026-02-29T00:00:00Z")]
    [InlineData("2026-13-01T00:00:00Z")]
    [InlineData("2026-01-31T24:00:00Z")]
    [InlineData("2026-01-31T12:00:00.Z")]
    [InlineData("2026-01-31T12:00:00+5:30")]
    [InlineData("2026-01-31T12:00:00+24:00")]
    [InlineData("0001-01-01T00:00:00+00:01")]
    [InlineData("9999-12-31T23:59:59-00:01")]
    [InlineData("0000-01-01T00:00:00Z")]
    [InlineData("2026-01-31T12:00:00ZZ")]
    [InlineData("２026-01-31T12:00:00Z")]
    public void Refuses_everything_else(string text) => Assert.False(Timestamp.TryParseRfc3339(text, out _));

    [Fact]
    public void What_is_written_is_read_back() => Gen.Long[0, DateTime.MaxValue.Ticks].Sample(ticks =>
    {
        DateTime instant = Timestamp.Truncate(new DateTime(ticks, DateTimeKind.Utc));
        string text = Timestamp.ToText(instant);
        return text.Length == Timestamp.Length && Timestamp.FromText(text) == instant
            && Timestamp.TryParseRfc3339(text, out DateTime again) && again == instant;
    });

    [Fact]
    public void Never_throws_whatever_the_text() =>
        Gen.String.Sample(text => Timestamp.TryParseRfc3339(text, out _) || true);
}
