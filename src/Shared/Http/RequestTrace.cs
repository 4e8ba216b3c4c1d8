using System.Diagnostics;
using FinanceIngest.Ground;
using FinanceIngest.Observability;

namespace FinanceIngest.Http;

/// <summary>Starts the trace of a request on a head that does not do so itself (W3C Trace Context, https://www.w3.org/TR/trace-context/).</summary>
public static class RequestTrace
{
    /// <summary>The span of the request, a child of its sender's span; the caller disposes of it after the answer. Null where the head has a span.</summary>
    /// <param name="operation">The span's name, such as <c>POST</c>.</param>
    /// <param name="traceParent">The header of the same name; when it is malformed (<see cref="W3CTrace.Read"/>) a new trace is started.</param>
    /// <param name="traceState">The header of the same name.</param>
    public static Activity? Start(string operation, string? traceParent, string? traceState)
    {
        if (Activity.Current is not null)
        {
            return null;
        }

        bool hasParent = ActivityContext.TryParse(W3CTrace.Read(traceParent?.Trim()), traceState, isRemote: true, out ActivityContext parent);
        if (Telemetry.StartRequest(operation, parent) is { } span)
        {
            return span;
        }

        // Nothing listens to spans, but the trace's context is handed on to messages and log lines all the same.
        var activity = new Activity(operation);
        if (hasParent)
        {
            activity.SetParentId(parent.TraceId, parent.SpanId, parent.TraceFlags);
            activity.TraceStateString = parent.TraceState;
        }

        return activity.SetIdFormat(ActivityIdFormat.W3C).Start();
    }
}
