using System.Text.Json;
using FinanceIngest.Configuration;
using FinanceIngest.Http;
using FinanceIngest.Observability;

namespace FinanceIngest.Overview;

/// <summary><c>GET /api/status</c>, one object that says how the installation is, and <c>GET /api/status/history</c>.</summary>
internal sealed class OverviewEndpoints(InstallationStatus status, Telemetry telemetry) : IEndpoints
{
    /// <inheritdoc/>
    public IEnumerable<Route> Routes =>
    [
        new("GET", "/api/status", Scopes.Read, StatusAsync) { Query = ["fresh"] },
        new("GET", "/api/status/history", Scopes.Read, (_, _) => Task.FromResult(History())),
    ];

    private async Task<ApiResponse> StatusAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        bool isFresh = request.Query("fresh") switch
        {
            null or "false" => false,
            "true" => true,
            _ => throw Problems.Validation("fresh", "must be true or false"),
        };
        InstallationFigures figures = await status.ReadAsync(isFresh, cancellationToken);
        bool isAdmin = request.Caller?.Scopes.HasFlag(Scopes.Admin) == true;
        return ApiResponse.Json(200, json => status.Write(json, figures, isAdmin), length: 4096);
    }

    private ApiResponse History() => ApiResponse.Json(
        200,
        json =>
        {
            json.WriteStartObject();
            Write(json, "last_hour", telemetry.Recent.History.Hour());
            Write(json, "last_day", telemetry.Recent.History.Day());
            json.WriteEndObject();
        },
        length: 32 * 1024);

    private static void Write(Utf8JsonWriter json, string name, ActivitySeries series)
    {
        json.WriteStartObject(name);
        json.WriteTime("from", series.From);
        json.WriteNumber("step_seconds", series.StepSeconds);
        Write(json, "accepted", series, point => point.Accepted, unknown: 0);
        Write(json, "refused", series, point => point.Refused, unknown: 0);
        Write(json, "scored", series, point => point.Scored, unknown: 0);
        Write(json, "failed", series, point => point.Failed, unknown: 0);
        Write(json, "anomalies", series, point => point.Anomalies, unknown: 0);
        Write(json, "latency_p50", series, point => point.MedianSeconds, unknown: null);
        Write(json, "latency_p95", series, point => point.P95Seconds, unknown: null);
        Write(json, "waiting", series, point => point.Waiting, unknown: null);
        Write(json, "oldest_seconds", series, point => point.OldestSeconds, unknown: null);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, string name, ActivitySeries series, Func<ActivityPoint, double?> value, double? unknown)
    {
        json.WriteStartArray(name);
        foreach (ActivityPoint? point in series.Points)
        {
            if ((point is { } known ? value(known) : unknown) is { } number)
            {
                json.WriteNumberValue(Math.Round(number, 3));
            }
            else
            {
                json.WriteNullValue();
            }
        }

        json.WriteEndArray();
    }
}
