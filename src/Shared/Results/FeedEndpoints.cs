using System.Text.Json;
using FinanceIngest.Configuration;
using FinanceIngest.Http;

namespace FinanceIngest.Results;

/// <summary><c>GET /api/results</c>, the feed of a whole installation's results, and <c>GET /api/anomalies</c>.</summary>
internal sealed class FeedEndpoints(IResultsStore store) : IEndpoints
{
    internal const int DefaultLimit = 100;
    internal const int MaximumLimit = 1000;

    /// <inheritdoc/>
    public IEnumerable<Route> Routes =>
    [
        new("GET", "/api/results", Scopes.Read, ReadFeedAsync) { Query = ["after", "limit"] },
        new("GET", "/api/anomalies", Scopes.Read, ReadAnomaliesAsync)
        {
            Query = ["user_id", "category_id", "min_amount", "from", "to", "detector", "verdict", "after", "limit"],
        },
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
            request.QueryId("user_id"), request.QueryId("category_id"), request.QueryTime("from"), request.QueryTime("to"), request.QueryMinAmount(),
            request.QueryDetector(), request.QueryVerdict());
        AnomalyPage page = await store.ReadAnomaliesAsync(filter, Cursors.ReadAnomalies(request.Query("after")), limit, cancellationToken);
        return ApiResponse.Json(200, json => WritePage(json, "anomalies", page.Anomalies, page.Next is { } next ? Cursors.Write(next) : null));
    }

    /// <summary>Writes a page of results and the cursor behind it.</summary>
    internal static void WritePage(Utf8JsonWriter json, string name, IReadOnlyList<TransactionResult> results, string? next)
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
}
