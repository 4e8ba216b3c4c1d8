using FinanceIngest.Configuration;
using FinanceIngest.Http;

namespace FinanceIngest.Results;

/// <summary><c>GET /api/transactions</c>: a user's history, everybody's anomalies, or what failed.</summary>
internal sealed class HistoryEndpoints(IHistoryStore history, IResultsStore results) : IEndpoints
{
    /// <inheritdoc/>
    public IEnumerable<Route> Routes =>
    [
        new("GET", "/api/transactions", Scopes.Read, ReadAsync)
        {
            Query = ["user_id", "category_id", "status", "is_anomaly", "min_amount", "from", "to", "after", "limit"],
        },
    ];

    private async Task<ApiResponse> ReadAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        int limit = request.QueryInteger("limit", FeedEndpoints.DefaultLimit, 1, FeedEndpoints.MaximumLimit);
        var filter = new HistoryFilter(
            request.QueryId("user_id"), request.QueryId("category_id"), Status(request), request.QueryBoolean("is_anomaly"), request.QueryMinAmount(),
            request.QueryTime("from"), request.QueryTime("to"));
        AnomalyCursor? after = Cursors.ReadHistory(request.Query("after"));
        HistoryPage page = filter switch
        {
            // What failed has no score.
            { IsAnomaly: true, Status: TransactionStatus.Failed } => new HistoryPage([], null),
            { IsAnomaly: true } => await ReadAnomaliesAsync(filter, after, limit, cancellationToken),
            { UserId: null, Status: not TransactionStatus.Failed } =>
                throw Problems.Validation("user_id", "is required unless status=failed or is_anomaly=true"),
            _ => await history.ReadHistoryAsync(filter, after, limit, cancellationToken),
        };
        return ApiResponse.Json(
            200, json => FeedEndpoints.WritePage(json, "transactions", page.Results, page.Next is { } next ? Cursors.WriteHistory(next) : null));
    }

    // Anomalies have indexes of their own.
    private async Task<HistoryPage> ReadAnomaliesAsync(HistoryFilter filter, AnomalyCursor? after, int limit, CancellationToken cancellationToken)
    {
        AnomalyPage page = await results.ReadAnomaliesAsync(
            new AnomalyFilter(filter.UserId, filter.CategoryId, filter.From, filter.To, filter.MinAmount), after, limit, cancellationToken);
        return new HistoryPage(page.Anomalies, page.Next);
    }

    private static TransactionStatus? Status(ApiRequest request) => request.Query("status") switch
    {
        null => null,
        "scored" => TransactionStatus.Scored,
        "failed" => TransactionStatus.Failed,
        _ => throw Problems.Validation("status", "must be scored or failed"),
    };
}
