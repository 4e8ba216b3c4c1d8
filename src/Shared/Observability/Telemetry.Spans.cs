using System.Diagnostics;
using FinanceIngest.Ground;
using FinanceIngest.Queueing;

namespace FinanceIngest.Observability;

/// <content>
/// The spans. A transaction's trace leads from its request to the send of its message, the scoring of its batch, the database and its alert. A message that
/// gathers several requests belongs to the trace of the first request and links to the others. A batch of several messages has a trace of its own and links
/// to all of its messages.
/// </content>
internal sealed partial class Telemetry
{
    private static readonly ActivitySource s_source = new(Name);

    /// <summary>Names the current request's span after its route.</summary>
    public static void NameRequest(string method, string route)
    {
        if (s_source.HasListeners() && Activity.Current is { } request)
        {
            request.DisplayName = $"{method} {route}";
            request.SetTag("http.route", route);
        }
    }

    /// <summary>Starts the span of a request, for a head whose HTTP server starts none; returns null when spans are not collected.</summary>
    public static Activity? StartRequest(string method, ActivityContext parent) => s_source.StartActivity(method, ActivityKind.Server, parent);

    /// <summary>
    /// Starts the span of a message that is filled and sent. The span does not become the current one, because other requests join the message.
    /// </summary>
    /// <param name="queue">Where to.</param>
    /// <param name="traceParent">W3C trace context of the first request.</param>
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

    /// <summary>Links the span of a message to another request whose transactions travel in it.</summary>
    public static void Join(Activity? send, string? traceParent)
    {
        if (send is not null && Context(traceParent) is var context && context != default)
        {
            send.AddLink(new ActivityLink(context));
        }
    }

    /// <summary>Starts the span of an alert's send, in the trace of its transaction.</summary>
    /// <param name="queue">Where to.</param>
    /// <param name="traceParent">The W3C trace context of the transaction; null: the span has no parent.</param>
    public Activity? StartAlert(string queue, string? traceParent) =>
        s_source.HasListeners() ? Tag(s_source.StartActivity($"send {queue}", ActivityKind.Producer, Context(traceParent)), "send", "send", queue) : null;

    /// <summary>Starts the span of a batch's scoring: in the trace of its only message, or in a new trace with links to its several messages.</summary>
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

    /// <summary>Starts the span of the deletion of a batch's messages.</summary>
    public Activity? StartSettle(string queue, int messages)
    {
        Activity? span = s_source.HasListeners() ? s_source.StartActivity($"settle {queue}", ActivityKind.Client) : null;
        span?.SetTag("messaging.batch.message_count", messages);
        return Tag(span, "settle", "settle", queue);
    }

    /// <summary>Starts the span of a round trip to the database.</summary>
    public Activity? StartQuery(string operation, string table, int rows)
    {
        Activity? span = s_source.HasListeners() ? s_source.StartActivity($"{operation} {table}", ActivityKind.Client) : null;
        return span?
            .SetTag("db.system.name", _databaseSystem)
            .SetTag("db.operation.name", operation)
            .SetTag("db.collection.name", table)
            .SetTag("db.operation.batch.size", rows);
    }

    /// <summary>Marks a span as failed. Exported spans name the exception's type but not its message, which may hold personal data.</summary>
    public static void Fail(Activity? span, Exception failure) =>
        span?.SetStatus(ActivityStatusCode.Error, FailureText.Kind(failure)).SetTag("error.type", failure.GetType().FullName);

    private Activity? Tag(Activity? span, string name, string type, string queue) => span?
        .SetTag("messaging.system", _messagingSystem)
        .SetTag("messaging.operation.name", name)
        .SetTag("messaging.operation.type", type)
        .SetTag("messaging.destination.name", queue);

    private static ActivityContext Context(string? traceParent) =>
        ActivityContext.TryParse(W3CTrace.Read(traceParent), null, isRemote: true, out ActivityContext context) ? context : default;
}
