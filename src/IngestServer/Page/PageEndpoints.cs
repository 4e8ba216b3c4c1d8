using FinanceIngest.Configuration;
using FinanceIngest.Http;
using Route = FinanceIngest.Http.Route;

namespace FinanceIngest.IngestServer.Page;

/// <summary>
/// The page at <c>/</c> and its files. They hold no data, so they are open to everybody; what the page shows it asks of the API, with the key that somebody
/// signs in with.
/// </summary>
internal sealed class PageEndpoints(Settings settings) : IEndpoints
{
    private readonly PageFiles _files = PageFiles.Load(new Dictionary<string, string>
    {
        // Whether the API wants a key or a token, so that the page asks for one before it asks the API.
        ["keys"] = settings.HasCredentials ? "needed" : "none",

        // The public key of web push, with which browsers subscribe.
        ["push"] = settings.Notify.Channels.FirstOrDefault(channel => channel.Type == ChannelType.WebPush)?.PublicKey ?? "",

        // Where somebody signs in for a token, and for what. An application of Entra ID asks for itself by its own id; other issuers know the scopes' names.
        ["authority"] = settings.Jwt?.Authority.AbsoluteUri.TrimEnd('/') ?? "",
        ["client"] = settings.Jwt?.Audience ?? "",
        ["scope"] = settings.Jwt is not { } jwt ? ""
            : IsEntra(jwt.Authority) ? $"openid {jwt.Audience}/.default"
            : $"openid {string.Join(' ', new[] { "submit", "read", "manage", "admin" }.Select(scope => jwt.ScopePrefix + scope))}",
    });

    // Scripts, styles and requests of this server alone, and requests of the issuer of tokens where there is one: nothing inline, nothing from elsewhere, and
    // no frame around the page. The one policy of trusted types lets the address of the worker through that shows what is pushed, and nothing else.
    private readonly string _policy =
        $"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'{(
            settings.Jwt is { } jwt ? $" {jwt.Authority.GetLeftPart(UriPartial.Authority)}" : "")}; img-src 'self'; base-uri 'none'; form-action 'none'; "
        + "frame-ancestors 'none'; worker-src 'self'; require-trusted-types-for 'script'; trusted-types finance-ingest-push";

    /// <inheritdoc/>
    public IEnumerable<Route> Routes =>
    [
        new("GET", "/", Scopes.None, (request, _) => Task.FromResult(Answer(request, _files.Index, isKept: false))),
        new("GET", "/push.js", Scopes.None, (request, _) => Task.FromResult(Answer(request, _files.Worker, isKept: false))),
        new("GET", "/page/{version}/{file}", Scopes.None, (request, values, _) => Task.FromResult(File(request, values["version"], values["file"]))),
        new("GET", "/page/{version}/{folder}/{file}", Scopes.None, (request, values, _) =>
            Task.FromResult(File(request, values["version"], $"{values["folder"]}/{values["file"]}"))),
    ];

    private ApiResponse File(ApiRequest request, string version, string name) =>
        version == _files.Version && _files.Find(name) is { } file
            ? Answer(request, file, isKept: true)
            : throw Problems.NotFound("The page has no such file; reload the page.");

    // A file's address changes with its content, so that browsers may keep it for good. The first document is asked for each time.
    private ApiResponse Answer(ApiRequest request, PageFile file, bool isKept)
    {
        (string? encoding, ReadOnlyMemory<byte> body) = file.For(request.Header("Accept-Encoding"));
        ApiResponse response = new ApiResponse(200, file.ContentType, body)
            .With("Cache-Control", isKept ? "public, max-age=31536000, immutable" : "no-cache")
            .With("Content-Security-Policy", _policy)
            .With("Cross-Origin-Opener-Policy", "same-origin")
            .With("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
            .With("Vary", "Accept-Encoding");
        return encoding is null ? response : response.With("Content-Encoding", encoding);
    }

    private static bool IsEntra(Uri authority) => authority.Host.StartsWith("login.microsoftonline.", StringComparison.OrdinalIgnoreCase);
}
