using System.Collections.Concurrent;
using FinanceIngest.Ground;
using FinanceIngest.Observability;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Http;

/// <summary>
/// Counts and logs requests whose caller was refused, so that a client with an old key is found. The log gets one line a minute for each reason, with the
/// number of requests since the last, and never what was sent as a key.
/// </summary>
internal sealed partial class RefusedCallers(Telemetry telemetry, TimeProvider time, ILogger<RefusedCallers> logger)
{
    private static readonly TimeSpan s_interval = TimeSpan.FromMinutes(1);
    private readonly ConcurrentDictionary<string, Reason> _reasons = new(StringComparer.Ordinal);

    /// <summary>Records a refused request.</summary>
    /// <param name="reason"><c>missing</c> or <c>unknown</c> (key), <c>token</c>, or <c>scope</c>.</param>
    /// <param name="request">The request.</param>
    /// <param name="route">Its route.</param>
    /// <param name="caller">The caller's name where the scope is what it lacks.</param>
    public void Record(string reason, ApiRequest request, Route route, string? caller)
    {
        telemetry.CallerRefused(reason);
        Reason state = _reasons.GetOrAdd(reason, _ => new Reason());
        long count;
        lock (state)
        {
            state.Count++;
            if (state.LoggedAt is { } at && time.GetElapsedTime(at) < s_interval)
            {
                return;
            }

            count = state.Count;
            state.Count = 0;
            state.LoggedAt = time.GetTimestamp();
        }

        string who = caller is null ? "" : $" of '{SafeText.Cut(caller, 100)}'";
        Log.Refused(logger, route.Method, route.Template, who, request.RemoteAddress?.ToString() ?? "unknown", reason, count);
    }

    private sealed class Reason
    {
        public long Count { get; set; }

        public long? LoggedAt { get; set; }
    }

    private static partial class Log
    {
        // "was refused" is what docs/operations.md tells operators to look for.
        [LoggerMessage(
            LogLevel.Warning, "A request {Method} {Route}{Who} from {Remote} was refused ({Reason}); {Count} such requests since the last such line.")]
        public static partial void Refused(ILogger logger, string method, string route, string who, string remote, string reason, long count);
    }
}
