using System.Diagnostics;
using FinanceIngest.Observability;

namespace FinanceIngest.Http;

/// <summary>The trace of a request on a head that starts none by itself (W3C Trace Context, https://www.w3.org/TR/trace-context/).</summary>
public static class RequestTrace
{
    /// <summary>The span of the request, a child of its sender's; to be disposed when the request is answered. Null where the head has one already.</summary>
    /// <param name="operation">Name of the span, such as <c>POST</c>.</param>
    /// <param name="traceParent">Header of the same name; a malformed one starts a trace of its own.</param>
    /// <param name="traceState">Header of the same name.</param>
    public static Activity? Start(string operation, string? traceParent, string? traceState)
    {
        if (Activity.Current is not null)
        {
            return null;
        }

        bool hasParent = ActivityContext.TryParse(traceParent, traceState, isRemote: true, out ActivityContext parent);
        if (Telemetry.StartRequest(operation, parent) is { } span)
        {
            return span;
        }

        // Nobody listens: the context goes on all the same.
        var activity = new Activity(operation);
        if (hasParent)
        {
            activity.SetParentId(parent.TraceId, parent.SpanId, parent.TraceFlags);
            activity.TraceStateString = parent.TraceState;
        }

        return activity.SetIdFormat(ActivityIdFormat.W3C).Start();
    }
}
