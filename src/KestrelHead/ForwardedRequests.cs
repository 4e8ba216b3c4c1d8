using System.Collections.Frozen;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.KestrelHead;

/// <summary>
/// Recognises requests that a proxy, a tunnel or a load balancer on this machine has forwarded: their connection comes from this machine, and their Host may
/// name it, although their sender is anybody. A proxy that adds no header can't be recognised.
/// </summary>
/// <param name="time">The clock of the log's pauses.</param>
/// <param name="logger">Receives a warning at most once a minute.</param>
internal sealed partial class ForwardedRequests(TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMinutes(1);

    private static readonly FrozenSet<string> s_headers = new[]
    {
        "Forwarded", "Via", "X-Real-IP", "X-Client-IP", "X-Cluster-Client-IP", "X-Original-For", "X-Original-Host", "X-Original-Proto", "X-Original-URL",
        "X-ProxyUser-Ip", "X-Envoy-External-Address", "X-Azure-ClientIP", "X-Azure-SocketIP", "X-ARR-LOG-ID", "X-Appengine-User-IP",
        "CF-Connecting-IP", "CF-Ray", "Cdn-Loop", "True-Client-IP", "Fastly-Client-IP", "Fly-Client-IP", "DO-Connecting-IP", "Client-IP", "X-Tunnel-ID",
        "Tailscale-User-Login",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    private readonly Lock _gate = new();
    private long? _warnedAt;

    /// <summary>Whether a request was forwarded; the log says so.</summary>
    public bool IsOne(IHeaderDictionary headers)
    {
        foreach (string name in headers.Keys)
        {
            if (name.StartsWith("X-Forwarded-", StringComparison.OrdinalIgnoreCase) || s_headers.Contains(name))
            {
                Warn();
                return true;
            }
        }

        return false;
    }

    private void Warn()
    {
        lock (_gate)
        {
            if (_warnedAt is { } at && time.GetElapsedTime(at) < s_pause)
            {
                return;
            }

            _warnedAt = time.GetTimestamp();
        }

        Log.Forwarded(logger);
    }

    private static partial class Log
    {
        [LoggerMessage(
            LogLevel.Warning,
            "A request was refused because a proxy forwarded it, and without API keys everybody whom the proxy lets in would have every scope. "
                + "Set FinanceIngest__ApiKeys__NAME__Secret to serve requests that a proxy forwards.")]
        public static partial void Forwarded(ILogger logger);
    }
}
