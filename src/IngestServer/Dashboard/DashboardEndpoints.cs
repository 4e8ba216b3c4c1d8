using System.Security.Cryptography;
using System.Text;
using FinanceIngest.Alerts;
using FinanceIngest.Configuration;
using FinanceIngest.Http;
using FinanceIngest.Queueing;
using Route = FinanceIngest.Http.Route;

namespace FinanceIngest.IngestServer.Dashboard;

/// <summary>
/// The page at <c>/</c> with the lengths of the queues, the newest anomalies, and a form to submit a transaction. When keys are configured, the page opens as
/// <c>/?code=KEY</c>.
/// </summary>
internal sealed class DashboardEndpoints(Queues queues, IAlertOutbox outbox, TimeProvider time) : IEndpoints
{
    private static readonly Lazy<string> s_page = new(Load);

    public IEnumerable<Route> Routes =>
    [
        new("GET", "/", Scopes.Read, (_, _) => Task.FromResult(Page())),
        new("GET", "/dashboard/status", Scopes.Read, StatusAsync),
    ];

    // The nonce allows the page's own script and style. The policy forbids every other script, style and request, and to show the page in a frame.
    private static ApiResponse Page()
    {
        string nonce = Convert.ToBase64String(RandomNumberGenerator.GetBytes(16));
        string policy = $"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; "
            + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        return new ApiResponse(200, "text/html; charset=utf-8", Encoding.UTF8.GetBytes(s_page.Value.Replace("{{nonce}}", nonce, StringComparison.Ordinal)))
            .With("Content-Security-Policy", policy)
            .With("Referrer-Policy", "no-referrer");
    }

    private async Task<ApiResponse> StatusAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        QueueDepth inbound = await queues.Inbound.GetDepthAsync(cancellationToken);
        QueueDepth poison = await queues.Poison.GetDepthAsync(cancellationToken);
        QueueDepth alerts = await queues.Alerts.GetDepthAsync(cancellationToken);
        long unsent = await outbox.CountUnsentAsync(cancellationToken);
        return ApiResponse.Json(200, json =>
        {
            json.WriteStartObject();
            json.WriteStartObject("inbound");
            json.WriteNumber("length", inbound.Length);
            json.WriteNumber("oldest_seconds", inbound.Oldest is { } oldest ? Math.Max(0, (long)(time.GetUtcNow().UtcDateTime - oldest).TotalSeconds) : 0);
            json.WriteEndObject();
            json.WriteNumber("poison", poison.Length);
            json.WriteNumber("unsent_alerts", unsent);
            json.WriteNumber("alerts", alerts.Length);
            json.WriteEndObject();
        });
    }

    private static string Load()
    {
        using Stream resource = typeof(DashboardEndpoints).Assembly.GetManifestResourceStream("FinanceIngest.IngestServer.Dashboard.index.html")!;
        using var reader = new StreamReader(resource);
        return reader.ReadToEnd();
    }
}
