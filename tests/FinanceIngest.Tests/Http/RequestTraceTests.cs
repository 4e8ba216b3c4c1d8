using System.Diagnostics;
using FinanceIngest.Http;

namespace FinanceIngest.Tests.Http;

public sealed class RequestTraceTests : IDisposable
{
    private readonly Activity? _outer = Activity.Current;

    public RequestTraceTests() => Activity.Current = null;

    public void Dispose() => Activity.Current = _outer;

    [Fact]
    public void A_request_goes_on_with_its_senders_trace()
    {
        using (Activity? activity = RequestTrace.Start("POST", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "vendor=1"))
        {
            Assert.Same(activity, Activity.Current);
            Assert.Equal("4bf92f3577b34da6a3ce929d0e0e4736", activity!.TraceId.ToHexString());
            Assert.Equal("00f067aa0ba902b7", activity.ParentSpanId.ToHexString());
            Assert.Matches("^00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-01$", activity.Id);
            Assert.Equal("vendor=1", activity.TraceStateString);
        }

        Assert.Null(Activity.Current);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("00-zz-00f067aa0ba902b7-01")]
    [InlineData("\"},{\"")]
    public void Without_a_readable_one_it_starts_its_own(string? traceParent)
    {
        using Activity? activity = RequestTrace.Start("POST", traceParent, null);

        Assert.Matches("^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$", activity!.Id);
    }

    [Fact]
    public void A_head_that_has_a_span_keeps_it()
    {
        using Activity outer = new Activity("outer").Start();

        Assert.Null(RequestTrace.Start("POST", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", null));
        Assert.Same(outer, Activity.Current);
    }
}
