using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Observability;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Http;

/// <summary>The HTTP API: finds the route, checks the key, calls the endpoint, turns every failure into a problem.</summary>
public sealed partial class Api
{
    private readonly ILogger<Api> _logger;
    private readonly Authenticator _authenticator;
    private readonly RateLimiter _limiter;
    private readonly BytesInFlight _inFlight;
    private readonly Telemetry _telemetry;
    private readonly RouteTable _table;

    /// <param name="endpoints">Every group of routes that this process serves.</param>
    /// <param name="authenticator">Finds the caller of a request.</param>
    /// <param name="limiter">The rate limit.</param>
    /// <param name="inFlight">The memory that all requests may hold together.</param>
    /// <param name="telemetry">Counts the requests that are shed.</param>
    /// <param name="logger">Receives outages and unexpected failures.</param>
    /// <exception cref="ArgumentException">A template is malformed, or two routes are ambiguous.</exception>
    internal Api(
        IEnumerable<IEndpoints> endpoints, Authenticator authenticator, RateLimiter limiter, BytesInFlight inFlight, Telemetry telemetry, ILogger<Api> logger)
    {
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
                await AuthorizeAsync(request, route.Scope, cancellationToken);
                request.Parameters.RequireKnown(route.Query);
            }

            request.CountIn(_inFlight);
            ApiResponse response = await route.Handle(request, values, cancellationToken);
            if (route.Scope == Scopes.Read && response.Body.Length > ApiRequest.BesideItsBody)
            {
                // A read may be refused for the size of its answer, since nothing is lost with it. A submit that was accepted must be answered,
                // and holds more for its transactions than its answer takes.
                request.HoldInstead(response.Body.Length);
            }

            return response;
        }
        catch (ProblemException e)
        {
            if (e.Problem.Status is 503 or 429)
            {
                _telemetry.Shed(e.Problem.Kind);
            }

            return ApiResponse.From(e.Problem);
        }
        catch (StoreUnavailableException e)
        {
            Log.StoreUnavailable(_logger, e.Message);
            _telemetry.Shed("database");
            return ApiResponse.From(Problems.Unavailable(
                "database", "The database can't be reached at the moment; what was accepted is safe on the queue.", 5).Problem);
        }
        catch (QueueUnavailableException e)
        {
            Log.QueueUnavailable(_logger, e.Message);
            _telemetry.Shed("queue");
            return ApiResponse.From(Problems.Unavailable("queue", "The queue can't be reached at the moment; nothing was accepted.", 5).Problem);
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            Log.Unexpected(_logger, request.Method, FailureText.Of(e));
            Log.UnexpectedInFull(_logger, e);
            return ApiResponse.From(Problems.Internal());
        }
    }

    // This runs before the body is read, so that an unauthenticated request takes no memory.
    private async ValueTask AuthorizeAsync(ApiRequest request, Scopes scope, CancellationToken cancellationToken)
    {
        Caller caller = await _authenticator.AuthenticateAsync(request, cancellationToken);
        // Requests that the scope forbids count against the rate limit too.
        _limiter.Count(caller.Name);
        if (!caller.Scopes.HasFlag(scope))
        {
            string name = scope.ToString().ToLowerInvariant();
            throw caller.HasToken ? BearerTokens.LacksScope(name) : Problems.Forbidden(name);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "{Message}")]
        public static partial void StoreUnavailable(ILogger logger, string message);

        [LoggerMessage(LogLevel.Warning, "{Message}")]
        public static partial void QueueUnavailable(ILogger logger, string message);

        // "A POST request failed unexpectedly" is what docs/operations.md tells operators to look for.
        [LoggerMessage(LogLevel.Error, "A {Method} request failed unexpectedly: {Failure}")]
        public static partial void Unexpected(ILogger logger, string method, string failure);

        [LoggerMessage(LogLevel.Debug, "The exception behind the unexpected failure of a request, with its messages:")]
        public static partial void UnexpectedInFull(ILogger logger, Exception exception);
    }
}
