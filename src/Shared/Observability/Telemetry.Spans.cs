using System.Diagnostics;
using FinanceIngest.Queueing;

namespace FinanceIngest.Observability;

/// <content>
/// The spans. A transaction's trace goes from its request to the send of the message that carries it, to the batch that scores it, to the
/// database and to its alert. A message that gathers several requests belongs to the first one's trace and links to the others'; so does a
/// batch of several messages, which has a trace of its own and links to all of them.
/// </content>
internal sealed partial class Telemetry
{
    private static readonly ActivitySource s_source = new(Name);

    /// <summary>Names the span of the request under way after its route.</summary>
    public static void NameRequest(string method, string route)
    {
        if (s_source.HasListeners() && Activity.Current is { } request)
        {
            request.DisplayName = $"{method} {route}";
            request.SetTag("http.route", route);
        }
    }

    /// <summary>The span of a request on a head that makes none by itself; null when nobody listens.</summary>
    public static Activity? StartRequest(string method, ActivityContext parent) => s_source.StartActivity(method, ActivityKind.Server, parent);

    /// <summary>
    /// The span of a message that is made and sent, until it is disposed. It is not the current one: other requests join the message.
    /// </summary>
    /// <param name="queue">Where to.</param>
    /// <param name="traceParent">The first request's context.</param>
    public Activity? StartSend(string queue, string? traceParent)
    {
        if (!s_source.HasListeners())
        {
            return null;
        }

        Activity? current = Activity.Current;
        Activity? span = s_source.StartActivity($"send {queue}", ActivityKind.Producer, Context(traceParent));
        Activity.Current = current;
        return Tag(span, "send", "send", queue);
    }

    /// <summary>Another request's transactions travel in the message.</summary>
    public static void Join(Activity? send, string? traceParent)
    {
        if (send is not null && Context(traceParent) is var context && context != default)
        {
            send.AddLink(new ActivityLink(context));
        }
    }

    /// <summary>The span of an alert that is sent, in the trace of its transaction.</summary>
    /// <param name="queue">Where to.</param>
    /// <param name="traceParent">The W3C trace context of the transaction; null: the span has no parent.</param>
    public Activity? StartAlert(string queue, string? traceParent) =>
        s_source.HasListeners() ? Tag(s_source.StartActivity($"send {queue}", ActivityKind.Producer, Context(traceParent)), "send", "send", queue) : null;

    /// <summary>The span of a batch that is scored: in the trace of its message, or, of several, in one of its own that links to them.</summary>
    internal Activity? StartProcess(string queue, IReadOnlyList<Delivery> batch)
    {
        if (!s_source.HasListeners())
        {
            return null;
        }

        ActivityContext[] contexts = [.. batch.Select(delivery => Context(delivery.TraceParent)).Where(context => context != default)];
        Activity? span = s_source.StartActivity(
            ActivityKind.Consumer,
            batch.Count == 1 ? contexts.FirstOrDefault() : default,
            links: batch.Count == 1 ? null : contexts.Select(context => new ActivityLink(context)),
            name: $"process {queue}");
        span?.SetTag("messaging.batch.message_count", batch.Count);
        return Tag(span, "process", "process", queue);
    }

    /// <summary>The span of deleting a batch's messages.</summary>
    public Activity? StartSettle(string queue, int messages)
    {
        Activity? span = s_source.HasListeners() ? s_source.StartActivity($"settle {queue}", ActivityKind.Client) : null;
        span?.SetTag("messaging.batch.message_count", messages);
        return Tag(span, "settle", "settle", queue);
    }

    /// <summary>The span of a round trip to the database.</summary>
    public Activity? StartQuery(string operation, string table, int rows)
    {
        Activity? span = s_source.HasListeners() ? s_source.StartActivity($"{operation} {table}", ActivityKind.Client) : null;
        return span?
            .SetTag("db.system.name", _databaseSystem)
            .SetTag("db.operation.name", operation)
            .SetTag("db.collection.name", table)
            .SetTag("db.operation.batch.size", rows);
    }

    /// <summary>What a span's work failed with; spans leave the house, messages of exceptions don't.</summary>
    public static void Fail(Activity? span, Exception failure) =>
        span?.SetStatus(ActivityStatusCode.Error, FailureText.Kind(failure)).SetTag("error.type", failure.GetType().FullName);

    private Activity? Tag(Activity? span, string name, string type, string queue) => span?
        .SetTag("messaging.system", _messagingSystem)
        .SetTag("messaging.operation.name", name)
        .SetTag("messaging.operation.type", type)
        .SetTag("messaging.destination.name", queue);

    private static ActivityContext Context(string? traceParent) =>
        ActivityContext.TryParse(traceParent, null, isRemote: true, out ActivityContext context) ? context : default;
}
