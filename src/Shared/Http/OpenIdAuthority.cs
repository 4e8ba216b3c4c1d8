using FinanceIngest.Ground;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace FinanceIngest.Http;

/// <summary>
/// The issuer's name and keys, from its OpenID configuration (OpenID Connect Discovery 1.0). They are fetched with the first token, again after an hour, and
/// when a token names an unknown key, which may be new. They are never fetched more often than every 30 s: a client that sends invented tokens must not make
/// this process flood the issuer.
/// </summary>
/// <param name="authority">The address below which the configuration is published.</param>
/// <param name="documents">Fetches documents.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Receives failures to fetch the configuration.</param>
internal sealed partial class OpenIdAuthority(Uri authority, IDocumentRetriever documents, TimeProvider time, ILogger logger)
{
    /// <summary>The least time between two attempts to fetch the keys.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(30);

    /// <summary>The age at which the keys are fetched again, in the background.</summary>
    public static readonly TimeSpan FreshFor = TimeSpan.FromHours(1);

    /// <summary>The age up to which keys are trusted while the issuer can't be reached, and so the longest life of a withdrawn key.</summary>
    public static readonly TimeSpan BelievedFor = TimeSpan.FromHours(24);

    private readonly Lock _gate = new();
    private Task _asking = Task.CompletedTask;
    private long? _askedAt;
    private volatile bool _failed;
    private volatile Known? _known;

    /// <summary>The issuer's name and its keys with this id, an empty list when it has none.</summary>
    /// <exception cref="ProblemException">503: the issuer can't be reached, so it is unknown whether it has such a key.</exception>
    public async ValueTask<(string Issuer, IReadOnlyList<SecurityKey> Keys)> FindAsync(string keyId, CancellationToken cancellationToken)
    {
        if (Believed() is { } known && known.Keys(keyId) is { Count: > 0 } keys)
        {
            if (time.GetElapsedTime(known.At) >= FreshFor)
            {
                _ = AskAsync();
            }

            return (known.Issuer, keys);
        }

        // One request's cancellation ends its own wait only: other requests wait for the same answer.
        await AskAsync().WaitAsync(cancellationToken);
        known = Believed();
        keys = known?.Keys(keyId) ?? [];
        if (known is null || (keys.Count == 0 && _failed))
        {
            throw Problems.Unavailable(
                "authority",
                "The token's issuer can't be reached at the moment, so the token can't be checked. API keys work as usual.",
                (int)Pause.TotalSeconds);
        }

        return (known.Issuer, keys);
    }

    private Known? Believed() => _known is { } known && time.GetElapsedTime(known.At) < BelievedFor ? known : null;

    private Task AskAsync()
    {
        lock (_gate)
        {
            if (_asking.IsCompleted && (_askedAt is not { } at || time.GetElapsedTime(at) >= Pause))
            {
                _askedAt = time.GetTimestamp();
                _asking = Task.Run(TryAskAsync);
            }

            return _asking;
        }
    }

    // This never throws: a request learns the outcome from _known and _failed.
    private async Task TryAskAsync()
    {
        try
        {
            OpenIdConnectConfiguration answer = await OpenIdConnectConfigurationRetriever.GetAsync(
                $"{authority.AbsoluteUri.TrimEnd('/')}/.well-known/openid-configuration", documents, CancellationToken.None);
            if (string.IsNullOrEmpty(answer.Issuer) || answer.SigningKeys.Count == 0)
            {
                throw new InvalidDataException("The OpenID configuration names no issuer or no keys.");
            }

            // OpenID Connect Discovery 1.0, section 4.3: a document with another issuer is somebody else's. The setting has lost the slash at its end.
            if (!Uri.TryCreate(answer.Issuer, UriKind.Absolute, out Uri? issuer) || Name(issuer) != Name(authority))
            {
                throw new InvalidDataException($"The OpenID configuration is that of the issuer {SafeText.Quote(answer.Issuer)}, not of the authority.");
            }

            _known = new Known(answer.Issuer, answer.SigningKeys.ToLookup(key => key.KeyId, StringComparer.Ordinal), time.GetTimestamp());
            _failed = false;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            _failed = true;
            Log.Unreachable(logger, FirstCause(e));
        }
    }

    private static string Name(Uri issuer) => issuer.AbsoluteUri.TrimEnd('/');

    private static string FirstCause(Exception e) => e.GetBaseException().Message;

    private sealed record Known(string Issuer, ILookup<string, SecurityKey> ById, long At)
    {
        public List<SecurityKey> Keys(string keyId) => [.. ById[keyId]];
    }

    private static partial class Log
    {
        [LoggerMessage(
            LogLevel.Warning, "The keys of FinanceIngest__Jwt__Authority could not be fetched; tokens are checked with those already known, if any: {Problem}")]
        public static partial void Unreachable(ILogger logger, string problem);
    }
}
