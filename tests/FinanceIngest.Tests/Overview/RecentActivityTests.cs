using FinanceIngest.Observability;
using Microsoft.Extensions.Time.Testing;

namespace FinanceIngest.Tests.Overview;

/// <summary>Rates and latencies of the last minutes are those of the last minutes.</summary>
public sealed class RecentActivityTests
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero));

    [Fact]
    public void What_is_older_than_the_period_no_longer_counts()
    {
        var recent = new RecentActivity(_time);
        recent.Accepted(100, isDurable: true);
        _time.Advance(TimeSpan.FromMinutes(2));
        recent.Accepted(30, isDurable: true);
        recent.Accepted(5, isDurable: false);
        recent.Written(new WrittenTransactions(20, 1, 2, 0, 3));

        ActivityFigures minute = recent.Over(TimeSpan.FromMinutes(1));
        ActivityFigures five = recent.Over(RecentActivity.Longest);

        Assert.Equal((30, 5, 20, 1, 2, 3), (minute.Accepted, minute.Refused, minute.Scored, minute.Failed, minute.Repeats, minute.Anomalies));
        Assert.Equal((130, 50.0, 120.0), (five.Accepted, minute.Seconds, five.Seconds));
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Equal((0, 290.0), (recent.Over(RecentActivity.Longest).Accepted, recent.Over(RecentActivity.Longest).Seconds));
    }

    [Fact]
    public void Percentiles_are_right_to_a_fifth_and_never_above_the_longest()
    {
        var recent = new RecentActivity(_time);
        Assert.Null(recent.Over(RecentActivity.Longest).Latency);
        DateTime now = _time.GetUtcNow().UtcDateTime;
        recent.Took([.. Enumerable.Range(1, 1000).Select(i => now.AddMilliseconds(-10 * i))], now);

        LatencyFigures latency = recent.Over(RecentActivity.Longest).Latency!;

        Assert.InRange(latency.Median, 5.0, 6.0);
        Assert.InRange(latency.P95, 9.5, 10.0);
        Assert.InRange(latency.P99, 9.9, 10.0);
        Assert.Equal(10.0, latency.Longest);
    }
}
