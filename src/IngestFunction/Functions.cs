using FinanceIngest.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Http;

namespace FinanceIngest.IngestFunction;

/// <summary>
/// The contract's routes. The platform checks the function's keys; where FinanceIngest__ApiKeys are configured, their scopes hold as well. Commands also need a
/// bearer token with their scope. No function asks for the host's Admin level.
/// </summary>
public sealed class Functions(Api api)
{
    private const AuthorizationLevel Keyed = AuthorizationLevel.Function;
    private const AuthorizationLevel Open = AuthorizationLevel.Anonymous;

    /// <summary><c>POST /api/transactions</c>.</summary>
    [Function("SubmitTransaction")]
    public Task<HttpResponseData> SubmitAsync(
        [HttpTrigger(Keyed, "post", Route = "api/transactions")] HttpRequestData request, CancellationToken cancellationToken) =>
        FunctionRequest.AnswerAsync(api, request, cancellationToken);

    /// <summary><c>POST /api/score-transaction</c>.</summary>
    [Function("ScoreTransaction")]
    public Task<HttpResponseData> SubmitByOlderRouteAsync(
        [HttpTrigger(Keyed, "post", Route = "api/score-transaction")] HttpRequestData request, CancellationToken cancellationToken) =>
        FunctionRequest.AnswerAsync(api, request, cancellationToken);

    /// <summary><c>POST /api/transactions/batch</c>.</summary>
    [Function("SubmitBatch")]
    public Task<HttpResponseData> SubmitBatchAsync(
        [HttpTrigger(Keyed, "post", Route = "api/transactions/batch")] HttpRequestData request, CancellationToken cancellationToken) =>
        FunctionRequest.AnswerAsync(api, request, cancellationToken);

    /// <summary><c>GET /api/transactions/{id}</c>.</summary>
    [Function("GetTransaction")]
    public Task<HttpResponseData> GetAsync(
        [HttpTrigger(Keyed, "get", Route = "api/transactions/{id}")] HttpRequestData request, string id, CancellationToken cancellationToken) =>
        FunctionRequest.AnswerAsync(api, request, cancellationToken);

    /// <summary><c>POST /api/transactions/status</c>.</summary>
    [Function("GetStatuses")]
    public Task<HttpResponseData> GetManyAsync(
        [HttpTrigger(Keyed, "post", Route = "api/transactions/status")] HttpRequestData request, CancellationToken cancellationToken) =>
        FunctionRequest.AnswerAsync(api, request, cancellationToken);

    /// <summary><c>GET /api/results</c>.</summary>
    [Function("GetResults")]
    public Task<HttpResponseData> GetResultsAsync(
        [HttpTrigger(Keyed, "get", Route = "api/results")] HttpRequestData request, CancellationToken cancellationToken) =>
        FunctionRequest.AnswerAsync(api, request, cancellationToken);

    /// <summary><c>GET /api/anomalies</c>.</summary>
    [Function("GetAnomalies")]
    public Task<HttpResponseData> GetAnomaliesAsync(
        [HttpTrigger(Keyed, "get", Route = "api/anomalies")] HttpRequestData request, CancellationToken cancellationToken) =>
        FunctionRequest.AnswerAsync(api, request, cancellationToken);

    /// <summary><c>PUT</c> and <c>DELETE /api/transactions/{id}/feedback</c>.</summary>
    [Function("Feedback")]
    public Task<HttpResponseData> FeedbackAsync(
        [HttpTrigger(Keyed, "put", "delete", Route = "api/transactions/{id}/feedback")] HttpRequestData request,
        string id,
        CancellationToken cancellationToken) =>
        FunctionRequest.AnswerAsync(api, request, cancellationToken);

    /// <summary><c>DELETE /api/transactions/{id}</c>.</summary>
    [Function("Withdraw")]
    public Task<HttpResponseData> WithdrawAsync(
        [HttpTrigger(Keyed, "delete", Route = "api/transactions/{id}")] HttpRequestData request, string id, CancellationToken cancellationToken) =>
        FunctionRequest.AnswerAsync(api, request, cancellationToken);

    /// <summary><c>GET</c>, <c>PUT</c> and <c>DELETE /api/sensitivity</c>.</summary>
    [Function("Sensitivity")]
    public Task<HttpResponseData> SensitivityAsync(
        [HttpTrigger(Keyed, "get", "put", "delete", Route = "api/sensitivity")] HttpRequestData request, CancellationToken cancellationToken) =>
        FunctionRequest.AnswerAsync(api, request, cancellationToken);

    /// <summary><c>DELETE /api/users/{user_id}</c>.</summary>
    [Function("EraseUser")]
    public Task<HttpResponseData> EraseUserAsync(
        [HttpTrigger(Keyed, "delete", Route = "api/users/{user_id}")] HttpRequestData request, CancellationToken cancellationToken) =>
        FunctionRequest.AnswerAsync(api, request, cancellationToken);

    /// <summary><c>GET /api/users/{user_id}/erasure</c>.</summary>
    [Function("GetErasure")]
    public Task<HttpResponseData> GetErasureAsync(
        [HttpTrigger(Keyed, "get", Route = "api/users/{user_id}/erasure")] HttpRequestData request, CancellationToken cancellationToken) =>
        FunctionRequest.AnswerAsync(api, request, cancellationToken);

    /// <summary><c>POST</c> and <c>GET /api/users/{user_id}/notification-destinations</c>.</summary>
    [Function("Destinations")]
    public Task<HttpResponseData> DestinationsAsync(
        [HttpTrigger(Keyed, "post", "get", Route = "api/users/{user_id}/notification-destinations")] HttpRequestData request,
        CancellationToken cancellationToken) =>
        FunctionRequest.AnswerAsync(api, request, cancellationToken);

    /// <summary><c>DELETE /api/users/{user_id}/notification-destinations/{id}</c>.</summary>
    [Function("RemoveDestination")]
    public Task<HttpResponseData> RemoveDestinationAsync(
        [HttpTrigger(Keyed, "delete", Route = "api/users/{user_id}/notification-destinations/{id}")] HttpRequestData request,
        string id,
        CancellationToken cancellationToken) =>
        FunctionRequest.AnswerAsync(api, request, cancellationToken);

    /// <summary><c>GET /healthz</c>.</summary>
    [Function("Health")]
    public Task<HttpResponseData> HealthAsync(
        [HttpTrigger(Open, "get", Route = "healthz")] HttpRequestData request, CancellationToken cancellationToken) =>
        FunctionRequest.AnswerAsync(api, request, cancellationToken);

    /// <summary><c>GET /readyz</c>.</summary>
    [Function("Ready")]
    public Task<HttpResponseData> ReadyAsync(
        [HttpTrigger(Open, "get", Route = "readyz")] HttpRequestData request, CancellationToken cancellationToken) =>
        FunctionRequest.AnswerAsync(api, request, cancellationToken);

    /// <summary><c>GET /openapi.json</c>.</summary>
    [Function("OpenApi")]
    public Task<HttpResponseData> OpenApiAsync(
        [HttpTrigger(Open, "get", Route = "openapi.json")] HttpRequestData request, CancellationToken cancellationToken) =>
        FunctionRequest.AnswerAsync(api, request, cancellationToken);
}
