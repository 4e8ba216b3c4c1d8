using System.Reflection;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Http;
using FinanceIngest.Queueing;

namespace FinanceIngest.Health;

/// <summary>
/// <c>GET /healthz</c> and <c>GET /readyz</c>. An intake is ready while the inbound queue takes messages. A worker is always ready: it resumes by itself when a
/// dependency comes back. Other dependencies are reported from their last use, so that a probe never wakes a sleeping database.
/// </summary>
internal sealed class HealthEndpoints(Queues queues, Dependencies dependencies, Settings settings, TimeProvider time) : IEndpoints
{
    private static readonly TimeSpan s_probeTimeout = TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    public IEnumerable<Route> Routes =>
    [
        new("GET", "/healthz", Scopes.None, (_, _) => Task.FromResult(ApiResponse.Json(200, json =>
        {
            json.WriteStartObject();
            json.WriteString("status", "ok");
            json.WriteEndObject();
        }))),
        new("GET", "/readyz", Scopes.None, ReadyAsync),
    ];

    private async Task<ApiResponse> ReadyAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        bool ready = !settings.Roles.HasFlag(Roles.Intake) || await TakesMessagesAsync(cancellationToken);
        return ApiResponse.Json(ready ? 200 : 503, json =>
        {
            json.WriteStartObject();
            json.WriteString("status", ready ? "ready" : "unready");
            json.WriteStartObject("dependencies");
            foreach (DependencyStatus dependency in dependencies.All)
            {
                json.WriteString(dependency.Name, dependency.IsOk ? "ok" : "degraded");
            }

            json.WriteEndObject();
            json.WriteEndObject();
        });
    }

    private async Task<bool> TakesMessagesAsync(CancellationToken cancellationToken)
    {
        using var timer = new CancellationTokenSource(s_probeTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellationToken);
        try
        {
            await queues.Inbound.ProbeAsync(either.Token).WaitAsync(either.Token);
            return true;
        }
        catch (Exception e) when (e is QueueUnavailableException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            dependencies.InboundQueue.Failed(e);
            return false;
        }
    }
}

/// <summary><c>GET /openapi.json</c>: the API's own description.</summary>
internal sealed class OpenApiEndpoints(Settings settings) : IEndpoints
{
    private static readonly Lazy<byte[]> s_document = new(Load);
    private static readonly JsonSerializerOptions s_asItIs = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly Lazy<ReadOnlyMemory<byte>> _document = new(() => settings.PublicUrl is { } url ? WithServer(url) : Document);

    /// <summary>The document in UTF-8, as it is for an installation without a public address.</summary>
    public static ReadOnlyMemory<byte> Document => s_document.Value;

    /// <inheritdoc/>
    public IEnumerable<Route> Routes =>
        [new("GET", "/openapi.json", Scopes.None, (_, _) => Task.FromResult(new ApiResponse(200, "application/json", _document.Value)))];

    // A client that is generated from the document sends its requests to the address that the document names.
    private static byte[] WithServer(string url)
    {
        JsonNode document = JsonNode.Parse(Document.Span)!;
        document["servers"] = new JsonArray(new JsonObject { ["url"] = url, ["description"] = "This installation." });
        return JsonSerializer.SerializeToUtf8Bytes(document, s_asItIs);
    }

    private static byte[] Load()
    {
        using Stream resource = Assembly.GetExecutingAssembly().GetManifestResourceStream("FinanceIngest.Http.openapi.json")!;
        using var copy = new MemoryStream();
        resource.CopyTo(copy);
        return copy.ToArray();
    }
}
