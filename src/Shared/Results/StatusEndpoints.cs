using System.Text.Json;
using FinanceIngest.Configuration;
using FinanceIngest.Http;
using FinanceIngest.Queueing;
using FinanceIngest.Transactions;

namespace FinanceIngest.Results;

/// <summary><c>GET /api/transactions/{id}</c> and <c>POST /api/transactions/status</c>.</summary>
internal sealed class StatusEndpoints(
    IResultsStore store, ResultWaiter waiter, IdCertifier ids, BacklogEstimator backlog, RateLimiter limiter, FailureLimiter failures) : IEndpoints
{
    private const int MaximumIds = 1000;

    // The rate limit counts so many ids, or a part of them, as one request.
    private const int IdsPerRequest = 100;
    private const int MaximumBody = 1024 * 1024;
    private static readonly JsonDocumentOptions s_strict = new() { AllowDuplicateProperties = false };

    /// <inheritdoc/>
    public IEnumerable<Route> Routes =>
    [
        new("GET", "/api/transactions/{id}", Scopes.Read, GetAsync) { Query = ["wait"] },
        new("POST", "/api/transactions/status", Scopes.Read, GetManyAsync),
    ];

    private async Task<ApiResponse> GetAsync(ApiRequest request, RouteValues values, CancellationToken cancellationToken)
    {
        int wait = WaitPreference.Seconds(request);
        Guid id = values.Uuid("id") ?? throw NeverIssued();

        // An invented id costs no round trip, and tells nothing about the database.
        if (!ids.IsIssued(id))
        {
            failures.CountIds(request.CallerName, 1);
            throw NeverIssued();
        }

        // What is written between the look for the row and the wait is not missed.
        using ResultWaiter.Expectation? expected = wait > 0 ? waiter.Expect(id) : null;
        TransactionResult? result = await store.GetAsync([id], cancellationToken) is [var row, ..] ? row : null;
        if (result is null && expected is not null)
        {
            result = await expected.WaitAsync(TimeSpan.FromSeconds(wait), cancellationToken);
        }

        return result switch
        {
            null => ApiResponse.Json(200, json => ResultJson.WriteStatusOnly(json, id.ToString("D"), Names.Pending)).WithRetryAfter(backlog.RetryAfterSeconds),
            { Status: TransactionStatus.Purged } => throw Problems.Gone("The transaction's row was removed by retention or erasure."),
            _ => ApiResponse.Json(200, json => ResultJson.Write(json, result)),
        };
    }

    private async Task<ApiResponse> GetManyAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        request.RequireJson();
        List<string> asked = ParseIds(await request.ReadBodyAsync(MaximumBody, cancellationToken));
        limiter.Count(request.CallerName, (asked.Count - 1) / IdsPerRequest);
        Guid?[] parsed = [.. asked.Select(id => Guid.TryParseExact(id, "D", out Guid value) ? value : (Guid?)null)];
        Guid[] distinct = [.. parsed.OfType<Guid>().Distinct()];
        Guid[] issued = [.. distinct.Where(ids.IsIssued)];
        failures.CountIds(request.CallerName, distinct.Length - issued.Length);
        Dictionary<Guid, TransactionResult> found = issued.Length == 0
            ? []
            : (await store.GetAsync(issued, cancellationToken)).ToDictionary(result => result.Id);
        return ApiResponse.Json(200, json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("results");
            for (int i = 0; i < asked.Count; i++)
            {
                Write(json, asked[i], parsed[i], found);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    private void Write(Utf8JsonWriter json, string asked, Guid? id, Dictionary<Guid, TransactionResult> found)
    {
        if (id is { } known && found.TryGetValue(known, out TransactionResult? result))
        {
            ResultJson.Write(json, result);
            return;
        }

        ResultJson.WriteStatusOnly(json, asked, id is { } issued && ids.IsIssued(issued) ? Names.Pending : Names.Unknown);
    }

    private static List<string> ParseIds(ReadOnlyMemory<byte> body)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(JsonBody.Text(body), s_strict);
            if (document.RootElement.ValueKind != JsonValueKind.Object
                || !document.RootElement.TryGetProperty("ids", out JsonElement list) || list.ValueKind != JsonValueKind.Array)
            {
                throw Problems.Validation("ids", "must be an array of ids");
            }

            if (list.GetArrayLength() > MaximumIds)
            {
                throw Problems.Validation("ids", "must have at most 1,000 ids");
            }

            return [.. list.EnumerateArray().Select(element => element.ValueKind == JsonValueKind.String
                ? element.GetString()!
                : throw Problems.Validation("ids", "must be an array of strings"))];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw JsonBody.Malformed(body, e);
        }
    }

    private static ProblemException NeverIssued() => Problems.NotFound("This installation never issued that id.");
}
