using System.Diagnostics;
using FinanceIngest.Ground;

namespace FinanceIngest.KestrelHead;

/// <summary>
/// Takes the trace context of requests as W3C Trace Context says. ASP.NET Core's own makes a name of an older format out of a header that it can't read, with
/// the header's text in it, and does not know later versions.
/// </summary>
internal sealed class TracePropagator : DistributedContextPropagator
{
    private const string TraceParent = "traceparent";
    private const string TraceState = "tracestate";

    public override IReadOnlyCollection<string> Fields { get; } = [TraceParent, TraceState];

    public override void Inject(Activity? activity, object? carrier, PropagatorSetterCallback? setter)
    {
        if (activity is null || setter is null || W3CTrace.Read(activity.Id) is not { } id)
        {
            return;
        }

        setter(carrier, TraceParent, id);
        if (!string.IsNullOrEmpty(activity.TraceStateString))
        {
            setter(carrier, TraceState, activity.TraceStateString);
        }
    }

    public override void ExtractTraceIdAndState(object? carrier, PropagatorGetterCallback? getter, out string? traceId, out string? traceState)
    {
        traceId = Only(carrier, getter, TraceParent) is { } header ? W3CTrace.Read(header.Trim()) : null;
        traceState = traceId is null ? null : Only(carrier, getter, TraceState);
    }

    // Baggage is the sender's own and nothing here reads it.
    public override IEnumerable<KeyValuePair<string, string?>>? ExtractBaggage(object? carrier, PropagatorGetterCallback? getter) => null;

    // Two headers of the name are no context (section 3.2); several lines of the state are one list, which is not needed whole.
    private static string? Only(object? carrier, PropagatorGetterCallback? getter, string name)
    {
        string? value = null;
        IEnumerable<string>? values = null;
        getter?.Invoke(carrier, name, out value, out values);
        return value ?? (values?.ToArray() is [var only] ? only : null);
    }
}
