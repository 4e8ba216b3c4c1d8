using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Observability;
using FinanceIngest.SigningKeys;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Http;

/// <summary>The HTTP API: finds the route, checks the key, calls the endpoint, turns every failure into a problem.</summary>
public sealed partial class Api
{
    private readonly ILogger<Api> _logger;
    private readonly Authenticator _authenticator;
    private readonly RateLimiter _limiter;
    private readonly FailureLimiter _failures;
    private readonly BytesInFlight _inFlight;
    private readonly RefusedCallers _refused;
    private readonly Telemetry _telemetry;
    private readonly RouteTable _table;

    /// <param name="endpoints">Every group of routes that this process serves.</param>
    /// <param name="authenticator">Finds the caller of a request.</param>
    /// <param name="limiter">The rate limit.</param>
    /// <param name="failures">The limit of failures that may be guesses.</param>
    /// <param name="inFlight">The memory that all requests may hold together.</param>
    /// <param name="refused">Learns of requests whose caller is refused.</param>
    /// <param name="telemetry">Counts the requests that are shed.</param>
    /// <param name="logger">Receives outages and unexpected failures.</param>
    /// <exception cref="ArgumentException">A template is malformed, or two routes are ambiguous.</exception>
    internal Api(
        IEnumerable<IEndpoints> endpoints, Authenticator authenticator, RateLimiter limiter, FailureLimiter failures, BytesInFlight inFlight,
        RefusedCallers refused, Telemetry telemetry, ILogger<Api> logger)
    {
        _refused = refused;
        _failures = failures;
        _inFlight = inFlight;
        _telemetry = telemetry;
        _logger = logger;
        _authenticator = authenticator;
        _limiter = limiter;
        _table = new RouteTable(endpoints.SelectMany(group => group.Routes));
    }

    /// <summary>Every route.</summary>
    public IEnumerable<Route> Routes => _table.Routes;

    /// <summary>Answers a request. The only exception that leaves this method is the request's own cancellation.</summary>
    public async Task<ApiResponse> HandleAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        try
        {
            (Route route, RouteValues values) = _table.Find(request.Method, request.Path);
            Telemetry.NameRequest(route.Method, route.Template);
            if (route.Scope != Scopes.None)
            {
                await AuthorizeAsync(request, route, cancellationToken);
                request.Parameters.RequireKnown(route.Query);
            }

            request.CountIn(_inFlight);
            ApiResponse response = await route.Handle(request, values, cancellationToken);
            if (route.Scope is Scopes.Read or Scopes.None)
            {
                // A read may be refused for the size of its answer, since nothing is lost with it. What was accepted or written must be answered, and
                // such a request holds its answer already.
                HoldAnswer(request, response);
            }

            return response;
        }
        catch (ProblemException e)
        {
            return Refuse(request, e);
        }
        catch (StoreUnavailableException e)
        {
            Log.StoreUnavailable(_logger, FailureText.Reason(e));
            _telemetry.Shed("database");
            return ApiResponse.From(Problems.Unavailable(
                "database", "The database can't be reached at the moment; what was accepted is safe on the queue.", 5).Problem);
        }
        catch (QueueUnavailableException e)
        {
            Log.QueueUnavailable(_logger, FailureText.Reason(e));
            _telemetry.Shed("queue");
            return ApiResponse.From(Problems.Unavailable("queue", "The queue can't be reached at the moment; nothing was accepted.", 5).Problem);
        }
        catch (SigningKeyLostException e)
        {
            Log.SigningKeyLost(_logger, e.Message);
            _telemetry.Shed("signing-key");
            return ApiResponse.From(Problems.Unavailable(
                "signing-key", "The file with the signing key is gone or was changed; nothing was accepted.", 30).Problem);
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            Log.Unexpected(_logger, request.Method, FailureText.Of(e));
            Log.UnexpectedInFull(_logger, e);
            return ApiResponse.From(Problems.Internal());
        }
    }

    // A refusal that lists the errors of many items may be longer than the body that is given back for it, and its client may read it slowly. Where there is no
    // room for it, the request is refused for that reason instead.
    private ApiResponse Refuse(ApiRequest request, ProblemException refusal)
    {
        ApiResponse response = ApiResponse.From(refusal.Problem);
        try
        {
            HoldAnswer(request, response);
        }
        catch (ProblemException overloaded)
        {
            refusal = overloaded;
            response = ApiResponse.From(overloaded.Problem);
        }

        if (refusal.Problem.Status is 503 or 429)
        {
            _telemetry.Shed(refusal.Problem.Kind);
        }

        return response;
    }

    // The bytes of a short answer are those that every request with a body is counted for anyhow.
    private static void HoldAnswer(ApiRequest request, ApiResponse response)
    {
        if (response.Body.Length > ApiRequest.BesideItsBody)
        {
            request.HoldInstead(response.Body.Length);
        }
    }

    // This runs before the body is read, so that an unauthenticated request takes no memory.
    private async ValueTask AuthorizeAsync(ApiRequest request, Route route, CancellationToken cancellationToken)
    {
        Caller caller;
        try
        {
            caller = await _authenticator.AuthenticateAsync(request, cancellationToken);
        }
        catch (ProblemException e) when (e.Problem.Status == 401)
        {
            _refused.Record(ReasonOf(request, e.Problem), request, route, null);
            _failures.CountKey(request.RemoteAddress);
            throw;
        }

        request.Caller = caller;
        // Requests that the scope forbids count against the rate limit too.
        _limiter.Count(caller.Name);
        try
        {
            request.RequireScope(route.Scope);
        }
        catch (ProblemException)
        {
            _refused.Record("scope", request, route, caller.Name);
            throw;
        }
    }

    private static string ReasonOf(ApiRequest request, Problem problem) =>
        problem.Kind != "key" ? "token" : ApiKeys.Find(request) is null ? "missing" : "unknown";

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "{Message}")]
        public static partial void StoreUnavailable(ILogger logger, string message);

        [LoggerMessage(LogLevel.Warning, "{Message}")]
        public static partial void QueueUnavailable(ILogger logger, string message);

        [LoggerMessage(LogLevel.Error, "Nothing is accepted: {Message}")]
        public static partial void SigningKeyLost(ILogger logger, string message);

        // "A POST request failed unexpectedly" is what docs/operations.md tells operators to look for.
        [LoggerMessage(LogLevel.Error, "A {Method} request failed unexpectedly: {Failure}")]
        public static partial void Unexpected(ILogger logger, string method, string failure);

        [LoggerMessage(LogLevel.Debug, "The exception behind the unexpected failure of a request, with its messages:")]
        public static partial void UnexpectedInFull(ILogger logger, Exception exception);
    }
}
