using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FinanceIngest.Configuration;
using FinanceIngest.Http;
using FinanceIngest.Overview;
using Route = FinanceIngest.Http.Route;

namespace FinanceIngest.IngestServer.Dashboard;

/// <summary>
/// The page at <c>/</c> with the lengths of the queues, the newest anomalies, and a form to submit a transaction. When keys are configured, the page opens as
/// <c>/?code=KEY</c>.
/// </summary>
internal sealed class DashboardEndpoints(InstallationOverview overview) : IEndpoints
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
        InstallationFigures figures = await overview.ReadAsync(InstallationOverview.Patience, cancellationToken);
        return ApiResponse.Json(200, json =>
        {
            json.WriteStartObject();
            json.WriteStartObject("inbound");
            Write(json, "length", figures.Inbound?.Length);
            Write(json, "transactions", figures.Inbound?.Transactions);
            Write(json, "oldest_seconds", (long?)figures.Inbound?.OldestSeconds);
            json.WriteEndObject();
            Write(json, "poison", figures.Poison?.Length);
            Write(json, "unsent_alerts", figures.Database?.UnsentAlerts);
            Write(json, "alerts", figures.Alerts?.Length);
            json.WriteEndObject();
        });
    }

    // What can't be asked is null, and the page shows it as unknown.
    private static void Write(Utf8JsonWriter json, string name, long? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(name, number);
        }
        else
        {
            json.WriteNull(name);
        }
    }

    private static string Load()
    {
        using Stream resource = typeof(DashboardEndpoints).Assembly.GetManifestResourceStream("FinanceIngest.IngestServer.Dashboard.index.html")!;
        using var reader = new StreamReader(resource);
        return reader.ReadToEnd();
    }
}
