using System.Text.Json;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Http;
using FinanceIngest.Poison;

namespace FinanceIngest.Operator;

/// <summary>
/// <c>GET /api/poison</c>, <c>GET /api/poison/{message_id}</c>, <c>POST /api/poison/redrive</c> and <c>POST /api/poison/drop</c>: what
/// <c>finance-ingest poison</c> does, over HTTP.
/// </summary>
internal sealed class PoisonEndpoints(IPoisonStore store, PoisonOperations operations) : IEndpoints
{
    private const int DefaultLimit = 100;
    private const int MaximumLimit = 500;
    private const int MaximumIds = 100;
    private const int LongestId = 200;
    private const int MaximumBody = 64 * 1024;
    private static readonly JsonDocumentOptions s_strict = new() { AllowDuplicateProperties = false };

    /// <inheritdoc/>
    public IEnumerable<Route> Routes =>
    [
        new("GET", "/api/poison", Scopes.Admin, ListAsync) { Query = ["after", "limit"] },
        new("GET", "/api/poison/{message_id}", Scopes.Admin, ShowAsync),
        new("POST", "/api/poison/redrive", Scopes.Admin, (request, token) => ActAsync(request, operations.RedriveAsync, token)),
        new("POST", "/api/poison/drop", Scopes.Admin, (request, token) => ActAsync(request, operations.DropAsync, token)),
    ];

    private async Task<ApiResponse> ListAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        int limit = request.QueryInteger("limit", DefaultLimit, 1, MaximumLimit);

        // The cursor is the id of the last message that was listed, which has the time at which it was given up.
        PoisonPlace? after = request.Query("after") is { } id ? await PlaceAsync(id, cancellationToken) : null;
        IReadOnlyList<PoisonSummary> page = await WithRightsAsync(() => store.ListPageAsync(after, limit + 1, cancellationToken));
        return ApiResponse.Json(200, json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("messages");
            foreach (PoisonSummary message in page.Take(limit))
            {
                json.WriteStartObject();
                json.WriteString("message_id", message.MessageId);
                json.WriteString("reason", message.Reason);
                json.WriteNumber("attempts", message.Attempts);
                WriteTrace(json, message.TraceParent);
                json.WriteTime("inserted_at", message.InsertedAt);
                json.WriteTime("failed_at", message.FailedAt);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteString("next", page.Count > limit ? page[limit - 1].MessageId : null);
            json.WriteEndObject();
        });
    }

    private async Task<PoisonPlace> PlaceAsync(string messageId, CancellationToken cancellationToken) =>
        await WithRightsAsync(() => store.FindAsync(messageId, cancellationToken)) is { } message
            ? new PoisonPlace(message.FailedAt, message.MessageId)
            : throw Problems.Gone("The message that the cursor names was put back or dropped meanwhile. Start again without a cursor.");

    private async Task<ApiResponse> ShowAsync(ApiRequest request, RouteValues values, CancellationToken cancellationToken)
    {
        PoisonMessage message = await WithRightsAsync(() => store.FindAsync(values["message_id"], cancellationToken))
            ?? throw Problems.NotFound("There is no poison message with that id.");
        return ApiResponse.Json(
            200,
            json =>
            {
                json.WriteStartObject();
                json.WriteString("message_id", message.MessageId);
                json.WriteString("reason", message.Reason);
                json.WriteNumber("attempts", message.Attempts);
                WriteTrace(json, message.TraceParent);
                json.WriteTime("inserted_at", message.InsertedAt);
                json.WriteTime("failed_at", message.FailedAt);
                if (message.Exception is { } exception)
                {
                    json.WriteString("exception", exception);
                }

                json.WriteString("body", message.Body);
                json.WriteEndObject();
            },
            message.Body.Length + 1024);
    }

    private static async Task<ApiResponse> ActAsync(
        ApiRequest request, Func<IReadOnlyCollection<string>, CancellationToken, Task<PoisonOutcome>> act, CancellationToken cancellationToken)
    {
        request.RequireJson();
        List<string> messageIds = ParseIds(await request.ReadBodyAsync(MaximumBody, cancellationToken));
        PoisonOutcome outcome = await WithRightsAsync(() => act(messageIds, cancellationToken));
        return ApiResponse.Json(200, json =>
        {
            json.WriteStartObject();
            WriteIds(json, "done", outcome.Done);
            WriteIds(json, "unknown", outcome.Unknown);

            // What was refused stays as it is, and its reason says why; what was held by another process is repeated.
            json.WriteStartArray("unfinished");
            foreach (PoisonRefusal refusal in outcome.Refused)
            {
                WriteUnfinished(json, refusal.MessageId, refusal.Reason);
            }

            foreach (string messageId in outcome.Unfinished)
            {
                WriteUnfinished(json, messageId, "another process holds messages of the poison queue; ask again");
            }

            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    private static void WriteIds(Utf8JsonWriter json, string name, IReadOnlyList<string> messageIds)
    {
        json.WriteStartArray(name);
        foreach (string messageId in messageIds)
        {
            json.WriteStringValue(messageId);
        }

        json.WriteEndArray();
    }

    private static void WriteUnfinished(Utf8JsonWriter json, string messageId, string reason)
    {
        json.WriteStartObject();
        json.WriteString("message_id", messageId);
        json.WriteString("reason", reason);
        json.WriteEndObject();
    }

    private static void WriteTrace(Utf8JsonWriter json, string? traceParent)
    {
        if (traceParent is not null)
        {
            json.WriteString("traceparent", traceParent);
        }
    }

    private static List<string> ParseIds(ReadOnlyMemory<byte> body)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(JsonBody.Text(body), s_strict);
            if (document.RootElement.ValueKind != JsonValueKind.Object
                || !document.RootElement.TryGetProperty("message_ids", out JsonElement list) || list.ValueKind != JsonValueKind.Array
                || list.GetArrayLength() is 0 or > MaximumIds)
            {
                throw Problems.Validation("message_ids", "must be an array of 1 to 100 ids");
            }

            return [.. list.EnumerateArray().Select(element => element.ValueKind == JsonValueKind.String
                && element.GetString() is { Length: > 0 and <= LongestId } id
                ? id
                : throw Problems.Validation("message_ids", "must be an array of texts of 1 to 200 characters"))];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw JsonBody.Malformed(body, e);
        }
    }

    private static async Task<T> WithRightsAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (Exception e) when (e is StoreUnavailableException or QueueUnavailableException && RefusedRights.IsOne(e))
        {
            throw Problems.Rights("This process may not read or change poison messages: give its user the role finance_ingest_operator, "
                    + "or use finance-ingest poison.");
        }
    }
}
