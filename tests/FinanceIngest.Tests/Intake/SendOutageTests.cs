using FinanceIngest.Intake;
using Microsoft.Extensions.Time.Testing;

namespace FinanceIngest.Tests.Intake;

/// <summary>Computes when a client should send a refused transaction again.</summary>
public sealed class SendOutageTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void After_as_long_as_sends_have_been_failing()
    {
        var outage = new SendOutage(_time);
        Assert.Equal(1, outage.RetryAfterSeconds);
        outage.Note(hasFailed: true);
        Assert.Equal(1, outage.RetryAfterSeconds);
        _time.Advance(TimeSpan.FromSeconds(7));
        outage.Note(hasFailed: true);
        Assert.Equal(7, outage.RetryAfterSeconds);
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(30, outage.RetryAfterSeconds);
        outage.Note(hasFailed: false);
        Assert.Equal(1, outage.RetryAfterSeconds);
    }
}
