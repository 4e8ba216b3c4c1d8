using FinanceIngest.Configuration;

namespace FinanceIngest.Http;

/// <summary>One route of the API.</summary>
/// <param name="Method">HTTP method, upper case. A <c>GET</c> route answers <c>HEAD</c> too.</param>
/// <param name="Template">Path; a whole segment <c>{name}</c> is a parameter, which stands for any text without a slash.</param>
/// <param name="Scope">The scope that the caller needs; <see cref="Scopes.None"/>: the route is open to everybody.</param>
/// <param name="Handle">The endpoint.</param>
public sealed record Route(string Method, string Template, Scopes Scope, Func<ApiRequest, RouteValues, CancellationToken, Task<ApiResponse>> Handle)
{
    /// <summary>The parameters that the route takes in its query. With credentials required, any other one is refused.</summary>
    public IReadOnlyList<string> Query { get; init; } = [];

    /// <summary>A route whose endpoint has no use for parameters of the path.</summary>
    public Route(string method, string template, Scopes scope, Func<ApiRequest, CancellationToken, Task<ApiResponse>> handle)
        : this(method, template, scope, (request, _, cancellationToken) => handle(request, cancellationToken))
    {
    }
}

/// <summary>A group of routes that belong together.</summary>
public interface IEndpoints
{
    /// <summary>The routes.</summary>
    IEnumerable<Route> Routes { get; }
}
