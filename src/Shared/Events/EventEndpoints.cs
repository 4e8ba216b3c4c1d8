using FinanceIngest.Configuration;
using FinanceIngest.Http;
using FinanceIngest.Overview;
using FinanceIngest.Results;

namespace FinanceIngest.Events;

/// <summary><c>GET /api/events</c>: how the installation is, new anomalies, and what people were told of them, as they come.</summary>
internal sealed class EventEndpoints(EventHub hub, InstallationStatus status, TimeProvider time) : IEndpoints
{
    private static readonly string[] s_types = ["status", "anomaly", "notification"];

    /// <inheritdoc/>
    public IEnumerable<Route> Routes => [new("GET", "/api/events", Scopes.Read, Follow) { Query = ["user_id", "types"] }];

    private Task<ApiResponse> Follow(ApiRequest request, CancellationToken cancellationToken)
    {
        string[] types = request.Query("types") is { } text ? text.Split(',') : s_types;
        if (types.Except(s_types).Any())
        {
            throw Problems.Validation("types", $"must be of {string.Join(", ", s_types)}, separated by commas");
        }

        var stream = new EventStream(hub, status, time)
        {
            Caller = request.CallerName,
            IsAdmin = request.Caller?.Scopes.HasFlag(Scopes.Admin) == true,
            UserId = request.QueryId("user_id"),
            WantsFigures = types.Contains("status"),
            WantsAnomalies = types.Contains("anomaly"),
            WantsNotifications = types.Contains("notification"),
            After = request.Header("Last-Event-ID") is { Length: > 0 } last ? Cursors.ReadFeed(last) : null,
        };
        if (request.Method != "HEAD")
        {
            hub.Add(stream);
        }

        // Proxies that gather answers would hold events back.
        return Task.FromResult(new ApiResponse(200, "text/event-stream; charset=utf-8", ReadOnlyMemory<byte>.Empty) { Following = stream }
            .With("X-Accel-Buffering", "no"));
    }
}
