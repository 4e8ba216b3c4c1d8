using System.Buffers;
using System.Globalization;
using FinanceIngest.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Tokens;

namespace FinanceIngest.Http;

/// <summary>
/// Checks bearer tokens (RFC 6750) that are JWTs signed by the configured authority, such as Entra ID. The scopes of a token are in its claims
/// <c>scp</c> or <c>scope</c> (delegated rights, separated by spaces) and <c>roles</c> (an application's rights): <c>submit</c>, <c>read</c>, <c>manage</c>,
/// <c>admin</c>, each after the configured prefix.
/// </summary>
internal sealed class BearerTokens
{
    /// <summary>The longest token that is read, in characters.</summary>
    public const int MaximumLength = 16 * 1024;

    /// <summary>How far the clocks of the issuer and of this server may differ.</summary>
    public static readonly TimeSpan Skew = TimeSpan.FromSeconds(60);

    /// <summary>The smallest RSA key, in bits, whose signatures are accepted.</summary>
    public const int SmallestRsaKey = 2048;

    private const string Scheme = "Bearer";

    // Only asymmetric algorithms are allowed: with a symmetric one the issuer's public key could pass for the secret.
    private static readonly string[] s_algorithms = [SecurityAlgorithms.RsaSha256, SecurityAlgorithms.RsaSsaPssSha256, SecurityAlgorithms.EcdsaSha256];

    // RFC 8725, section 3.11: a JWT of another kind that the same issuer signs, such as a logout token, is no access token. RFC 9068 names the second type;
    // issuers from before it use the first, or none.
    private static readonly string[] s_types = ["JWT", "at+jwt", "application/at+jwt"];

    private static readonly (string Name, Scopes Scope)[] s_scopes =
        [("submit", Scopes.Submit), ("read", Scopes.Read), ("manage", Scopes.Manage), ("admin", Scopes.Admin)];
    private static readonly SearchValues<char> s_characters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.");
    private static readonly JsonWebTokenHandler s_handler = new() { MaximumTokenSizeInBytes = MaximumLength };

    private readonly JwtSettings? _settings;
    private readonly OpenIdAuthority? _authority;
    private readonly TimeProvider _time;

    /// <param name="settings">Names the authority whose tokens are accepted, if any.</param>
    /// <param name="time">The clock that tokens expire by.</param>
    /// <param name="logger">Receives failures of the authority.</param>
    public BearerTokens(Settings settings, TimeProvider time, ILogger<BearerTokens> logger)
        : this(settings.Jwt, settings.Jwt is { } jwt ? Documents(jwt) : null, time, logger)
    {
    }

    public BearerTokens(JwtSettings? settings, IDocumentRetriever? documents, TimeProvider time, ILogger logger)
    {
        _settings = settings;
        _time = time;
        _authority = settings is null ? null : new OpenIdAuthority(settings.Authority, documents!, time, logger);
    }

    /// <summary>Whether an authority is configured.</summary>
    public bool AreTaken => _settings is not null;

    /// <summary>The token in a request; null when it has none.</summary>
    public static string? Find(ApiRequest request) =>
        request.Header("Authorization") is { } header && header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
        && (header.Length == Scheme.Length || header[Scheme.Length] == ' ')
            ? header[Scheme.Length..].Trim(' ')
            : null;

    /// <summary>403: the token lacks the scope.</summary>
    public static ProblemException LacksScope(string scope) =>
        new(new Problem(403, "scope", "The key or token does not allow this.", $"The token lacks the scope '{scope}'.")
        {
            Headers = [("WWW-Authenticate", $"{Scheme} realm=\"finance-ingest\", error=\"insufficient_scope\", scope=\"{scope}\"")],
        });

    /// <summary>The caller to whom a token was issued, with the scopes that the token has.</summary>
    /// <exception cref="ProblemException">401: the token is not valid. 503: it can't be checked because its issuer can't be reached.</exception>
    internal async ValueTask<Caller> AuthenticateAsync(string token, CancellationToken cancellationToken)
    {
        string keyId = ReadKeyId(token);
        (string issuer, IReadOnlyList<SecurityKey> keys) = await _authority!.FindAsync(keyId, cancellationToken);
        if (keys.Count == 0)
        {
            throw Invalid("it is signed with a key that its issuer does not have");
        }

        if (keys.Any(IsWeak))
        {
            throw Invalid($"it is signed with an RSA key of fewer than {SmallestRsaKey.ToString("N0", CultureInfo.InvariantCulture)} bits");
        }

        TokenValidationResult result = await s_handler.ValidateTokenAsync(token, new TokenValidationParameters
        {
            ValidIssuer = issuer,
            ValidAudience = _settings!.Audience,
            IgnoreTrailingSlashWhenValidatingAudience = false,
            IssuerSigningKeys = keys,
            TryAllIssuerSigningKeys = false,
            ValidAlgorithms = s_algorithms,
            RequireSignedTokens = true,
            RequireExpirationTime = true,
            LifetimeValidator = CheckLifetime,
        });
        return result is { IsValid: true, SecurityToken: JsonWebToken valid }
            ? new Caller($"token:{ClientOf(valid)}", ScopesOf(valid), HasToken: true)
            : throw Invalid(Reason(result.Exception));
    }

    /// <summary>The id of the key that a token is signed with. A token that could never be valid is refused here, without a request to the issuer.</summary>
    /// <exception cref="ProblemException">401: the token could never be valid.</exception>
    private static string ReadKeyId(string token)
    {
        if (token.Length > MaximumLength)
        {
            throw Invalid($"it has more than {MaximumLength} characters");
        }

        // Two tokens in one header, or several headers joined by commas, have characters that no token has.
        if (token.AsSpan().ContainsAnyExcept(s_characters))
        {
            throw Invalid("it is not a JWT");
        }

        JsonWebToken unverified;
        try
        {
            unverified = s_handler.ReadJsonWebToken(token);
        }
        catch (Exception e) when (e is ArgumentException or SecurityTokenException)
        {
            throw Invalid("it is not a JWT");
        }

        if (unverified.IsEncrypted || !s_algorithms.Contains(unverified.Alg, StringComparer.Ordinal))
        {
            throw Invalid($"it is not signed with one of {string.Join(", ", s_algorithms)}");
        }

        // RFC 7515, section 4.1.11: a recipient refuses a token with a critical extension that it does not understand.
        if (unverified.TryGetHeaderValue("crit", out object? _))
        {
            throw Invalid("its header names extensions as critical, of which none is understood");
        }

        if (unverified.Typ is { Length: > 0 } type && !s_types.Contains(type, StringComparer.OrdinalIgnoreCase))
        {
            throw Invalid("its type (typ) is not that of an access token");
        }

        return unverified.Kid is { Length: > 0 } keyId ? keyId : throw Invalid("its header does not name a key (kid)");
    }

    // RFC 7518, section 3.3. A JWK stands for its key where the library did not make one of it.
    private static bool IsWeak(SecurityKey key) => key is RsaSecurityKey or X509SecurityKey or JsonWebKey { Kty: JsonWebAlgorithmsKeyTypes.RSA }
        && key.KeySize < SmallestRsaKey;

    private bool CheckLifetime(DateTime? notBefore, DateTime? expires, SecurityToken token, TokenValidationParameters parameters)
    {
        DateTime now = _time.GetUtcNow().UtcDateTime;
        return expires is not { } end ? throw new SecurityTokenNoExpirationException()
            : end + Skew <= now ? throw new SecurityTokenExpiredException()
            : notBefore is { } start && start - Skew > now ? throw new SecurityTokenNotYetValidException()
            : true;
    }

    private Scopes ScopesOf(JsonWebToken token)
    {
        Scopes scopes = Scopes.None;
        foreach (var claim in token.Claims.Where(claim => claim.Type is "scp" or "scope" or "roles"))
        {
            // A role is one value; a scope claim is a list of values.
            foreach (string value in claim.Type == "roles" ? [claim.Value] : claim.Value.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                scopes |= s_scopes.FirstOrDefault(known => value.Equals(_settings!.ScopePrefix + known.Name, StringComparison.Ordinal)).Scope;
            }
        }

        return scopes;
    }

    // The application's name comes before the person's, so that an application that acts for many people has one rate limit.
    private static string ClientOf(JsonWebToken token)
    {
        foreach (string name in (ReadOnlySpan<string>)["azp", "appid", "client_id", "sub"])
        {
            if (token.TryGetPayloadValue(name, out string? value) && !string.IsNullOrEmpty(value))
            {
                return value;
            }
        }

        return "(unnamed)";
    }

    // The reason goes to the client and contains nothing of the token itself.
    private static string Reason(Exception failure) => failure switch
    {
        SecurityTokenExpiredException => "it has expired",
        SecurityTokenNotYetValidException => "it is not valid yet",
        SecurityTokenNoExpirationException => "it has no expiry time",
        SecurityTokenInvalidAudienceException => "it was issued for another audience",
        SecurityTokenInvalidIssuerException => "it was issued by another issuer",
        _ => "its signature is not valid",
    };

    private static ProblemException Invalid(string reason) => new(new Problem(401, "token", "A valid token is needed.", $"The token is not valid: {reason}.")
    {
        Headers = [("WWW-Authenticate", $"{Scheme} realm=\"finance-ingest\", error=\"invalid_token\", error_description=\"{reason}\"")],
    });

    // Redirects are not followed: only an answer from the authority's own address is its answer.
    private static HttpDocumentRetriever Documents(JwtSettings settings) =>
        new(new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) })
        {
            Timeout = TimeSpan.FromSeconds(5),
            MaxResponseContentBufferSize = 1024 * 1024,
        })
        {
            RequireHttps = settings.Authority.Scheme == Uri.UriSchemeHttps,
        };
}
