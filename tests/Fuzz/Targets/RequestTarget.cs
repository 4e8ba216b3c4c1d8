using System.Text.Json;
using FinanceIngest.Fuzz.Api;
using FinanceIngest.Fuzz.Engine;

namespace FinanceIngest.Fuzz.Targets;

/// <summary>Whole requests of any kind.</summary>
internal sealed class RequestTarget : FuzzTarget
{
    private static readonly string[] s_methods = ["GET", "HEAD", "POST", "PUT"];
    private static readonly List<string> s_paths =
    [
        "/api/transactions/batch", "/api/transactions/status", "/api/transactions/", "/api/transactions", "/api/score", "/api/stats", "/api/results",
        "/api/anomalies", "/healthz", "/readyz", "/openapi",
    ];

    /// <inheritdoc/>
    public override string Name => "request";

    /// <inheritdoc/>
    public override string Properties =>
        "a documented status, never 500; a body that is JSON; a problem with its members; only health and the description are answered without a key";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Tokens { get; } =
    [
        "GET /", "POST /api/transactions", "POST /api/score-transaction", "POST /api/transactions/batch", "POST /api/transactions/status",
        "PUT /api/stats", "GET /api/results", "GET /api/anomalies", "GET /healthz", "GET /readyz",
        "GET /openapi.json", "HEAD ", "OPTIONS ", "/", "//", "?", "?code=submit-key", "?wait=5", "&code=read-key", "%2F", "%00", "..", "\n", "\n\n",
        "x-functions-key: submit-key\n", "x-functions-key: read-key\n", "x-functions-key: admin-key\n",
        "Content-Type: application/json\n", "Content-Type: application/x-ndjson\n", "Prefer: wait=1\n", "Idempotency-Key: k\n",
        "Content-Length: 99999999\n", "Content-Length: -1\n",
        $"/{FuzzApi.Shared.Ids.ForIdempotencyKey(1, "a")}", $"/{FuzzApi.Shared.Ids.ForIdempotencyKey(1, "b")}",
        $"/{FuzzApi.Shared.Ids.ForIdempotencyKey(1, "c")}", "{\"user_id\":399,\"category_id\":2310,\"amount\":6000}",
    ];

    /// <inheritdoc/>
    public override string Run(byte[] input)
    {
        FuzzRequest request = FuzzRequest.Parse(input);
        (int status, JsonElement body) = FuzzApi.Shared.Handle(request);
        bool hasKey = !string.IsNullOrEmpty(request.Header("x-functions-key")) || request.Query("code") is not null;
        bool open = request.Path.TrimEnd('/').ToUpperInvariant() is "/HEALTHZ" or "/READYZ" or "/OPENAPI.JSON";
        Property.Holds(hasKey || open || status is 401 or 404 or 405 or 429, "nothing is answered without a key", $"{request.Method} {request.Path}: {status}");

        // The older route answers 422 for a transaction that it accepted and that had failed before.
        bool isAccepted = status is 200 or 202 or 422;
        Property.Holds(FuzzApi.Shared.Inbound.Take().Count == 0 || isAccepted, "only an accepted request puts something on the queue", $"{status}");
        return $"{s_methods.Contains(request.Method)} {s_paths.Find(path => request.Path.StartsWith(path, StringComparison.OrdinalIgnoreCase))} {status} "
            + $"{string.Join(' ', FuzzApi.WrongFields(body).Take(2))}";
    }
}
