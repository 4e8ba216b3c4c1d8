using System.Text.Json;
using FinanceIngest.Configuration;
using FinanceIngest.Http;
using FinanceIngest.Transactions;

namespace FinanceIngest.Results;

/// <summary><c>GET /api/results</c>, the feed of a whole installation's results, and <c>GET /api/anomalies</c>.</summary>
internal sealed class FeedEndpoints(IResultsStore store) : IEndpoints
{
    private const int DefaultLimit = 100;
    private const int MaximumLimit = 1000;

    /// <inheritdoc/>
    public IEnumerable<Route> Routes =>
    [
        new("GET", "/api/results", Scopes.Read, ReadFeedAsync) { Query = ["after", "limit"] },
        new("GET", "/api/anomalies", Scopes.Read, ReadAnomaliesAsync) { Query = ["user_id", "category_id", "from", "to", "after", "limit"] },
    ];

    private async Task<ApiResponse> ReadFeedAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        int limit = request.QueryInteger("limit", DefaultLimit, 1, MaximumLimit);
        FeedCursor after = Cursors.ReadFeed(request.Query("after"));
        FeedPage page = await store.ReadFeedAsync(after, limit, cancellationToken)
            ?? throw Problems.Gone("The cursor is from another history of this database, which was restored since. Start again without a cursor.");
        return ApiResponse.Json(200, json => WritePage(json, "results", page.Results, Cursors.Write(page.Next)));
    }

    private async Task<ApiResponse> ReadAnomaliesAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        int limit = request.QueryInteger("limit", DefaultLimit, 1, MaximumLimit);
        var filter = new AnomalyFilter(
            request.QueryId("user_id"), request.QueryId("category_id"), QueryTime(request, "from"), QueryTime(request, "to"));
        AnomalyPage page = await store.ReadAnomaliesAsync(filter, Cursors.ReadAnomalies(request.Query("after")), limit, cancellationToken);
        return ApiResponse.Json(200, json => WritePage(json, "anomalies", page.Anomalies, page.Next is { } next ? Cursors.Write(next) : null));
    }

    private static void WritePage(Utf8JsonWriter json, string name, IReadOnlyList<TransactionResult> results, string? next)
    {
        json.WriteStartObject();
        json.WriteStartArray(name);
        foreach (TransactionResult result in results)
        {
            ResultJson.Write(json, result);
        }

        json.WriteEndArray();

        // A null says that the history ends here.
        json.WriteString("next", next);
        json.WriteEndObject();
    }

    private static DateTime? QueryTime(ApiRequest request, string name)
    {
        if (request.Query(name) is not { } text)
        {
            return null;
        }

        // The plus sign of an unescaped "+05:30" arrives as a space.
        string mended = text.Length > 19 && text[^6] == ' ' ? $"{text[..^6]}+{text[^5..]}" : text;
        return Timestamp.TryParseRfc3339(mended, out DateTime instant)
            ? instant
            : throw Problems.Validation(name, "must be an RFC 3339 date and time with offset, such as 2026-01-31T12:00:00Z");
    }
}
