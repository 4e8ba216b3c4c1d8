using System.Text.RegularExpressions;
using FinanceIngest.Cli.Running;
using FinanceIngest.Ground;

namespace FinanceIngest.Cli.Submitting;

/// <summary>
/// Where the API is: what people write for it, and what a redirect says about it. The Python client has the same rules (<c>addresses.py</c>).
/// </summary>
internal sealed partial class ApiAddress
{
    private const string Example = "http://127.0.0.1:7071";
    private const int LongestShown = 200;

    // The first segments of the API's routes behind /api, and its routes beside that.
    private static readonly string[] s_afterApi =
    [
        "transactions", "score-transaction", "results", "anomalies", "stats", "status", "events", "poison", "sensitivity", "users", "notification-destinations",
    ];

    private static readonly string[] s_besideApi = ["healthz", "readyz", "openapi.json"];

    private readonly string _prefix;

    private ApiAddress(Uri uri, string prefix)
    {
        _prefix = prefix;
        Base = new UriBuilder(uri) { Path = prefix + "/", Query = "", Fragment = "", UserName = "", Password = "" }.Uri;
    }

    /// <summary>The address, with a slash at its end, so that a route can be put behind it.</summary>
    public Uri Base { get; }

    /// <summary>Reads an address. A route of the API at its end, such as <c>/api</c> or <c>/api/transactions</c>, is taken off, once.</summary>
    /// <exception cref="CliException">The text is no address of an API; the message shows neither a password nor a query.</exception>
    public static ApiAddress Parse(string url)
    {
        string text = url.Trim();
        if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) || uri.Scheme is not ("http" or "https"))
        {
            throw CliException.WrongUse(WithoutScheme().IsMatch(text)
                ? $"'{Shown(text)}' is not an http address, because it has no scheme: write http:// or https:// before it."
                : $"'{Shown(text)}' is not an http address such as {Example}.");
        }

        if (uri.UserInfo.Length > 0 || text.AsSpan().IndexOfAny('?', '#') >= 0)
        {
            throw CliException.WrongUse("The address must not carry a query, a user or a password; the key is the option --key.");
        }

        return uri.Host.Length > 0 && uri.Port > 0
            ? new ApiAddress(uri, WithoutRoute(uri.AbsolutePath))
            : throw CliException.WrongUse($"'{Shown(text)}' is not an http address such as {Example}.");
    }

    /// <summary>Returns a sentence about a redirect to <paramref name="location"/>, which may be relative, that answered a request for a route.</summary>
    /// <param name="location">The redirect's target.</param>
    /// <param name="route">The route without a slash in front, such as <c>api/transactions/batch</c>.</param>
    public string Advice(Uri location, string route)
    {
        if (!Uri.TryCreate(new Uri(Base, route), location, out Uri? target) || target.Scheme is not ("http" or "https") || target.UserInfo.Length > 0)
        {
            return NoRoute(location.OriginalString);
        }

        string path = target.AbsolutePath.TrimEnd('/');
        if (!path.EndsWith("/" + route, StringComparison.Ordinal))
        {
            return NoRoute(target.AbsoluteUri);
        }

        var moved = new ApiAddress(target, path[..^(route.Length + 1)].TrimEnd('/'));
        return moved.Base == Base ? "It sends the request in a circle." : $"The service has moved: give {moved} as --url.";
    }

    /// <summary>Returns the address as <see cref="Parse"/> reads it back.</summary>
    public override string ToString() =>
        Base.AbsoluteUri.TrimEnd('/') + (WithoutRoute(_prefix) == _prefix ? "" : "/api");

    private static string NoRoute(string location) =>
        $"It leads to {Shown(location)}, which is no route of FinanceIngest: check the address, and proxies on the way.";

    /// <summary>Returns an address for a message: without user, password, query and fragment, which may hold a key.</summary>
    private static string Shown(string address)
    {
        string shown = SafeText.Line(Credentials().Replace(address.Split('?', '#')[0], "$1"));
        return shown.Length <= LongestShown ? shown : shown[..LongestShown] + "…";
    }

    private static string WithoutRoute(string path)
    {
        string[] segments = path.TrimEnd('/').Split('/');
        int end = segments.Length;
        int api = Array.LastIndexOf(segments, "api");
        if (s_besideApi.Contains(segments[^1]))
        {
            end--;
        }
        else if (api >= 0 && (api == end - 1 || s_afterApi.Contains(segments[api + 1])))
        {
            end = api;
        }

        return string.Join('/', segments[..end]).TrimEnd('/');
    }

    [GeneratedRegex(@"^(?!.*//)[A-Za-z0-9.\-\[\]:]+(:[0-9]+)?(/|$)")]
    private static partial Regex WithoutScheme();

    [GeneratedRegex("^([^/]*//)?[^/]*@")]
    private static partial Regex Credentials();
}
