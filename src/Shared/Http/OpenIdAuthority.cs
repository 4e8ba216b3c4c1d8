using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace FinanceIngest.Http;

/// <summary>
/// The issuer of tokens, as far as it is known here: its name and its keys, from its OpenID configuration (OpenID Connect Discovery 1.0). They are asked for
/// with the first token, again after an hour, and when a token names a key that is not known (it may be new), but never more often than every 30 s: who
/// sends invented tokens must not make this process flood the issuer.
/// </summary>
/// <param name="authority">Where its configuration stands.</param>
/// <param name="documents">Gets documents.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Where failures go.</param>
internal sealed partial class OpenIdAuthority(Uri authority, IDocumentRetriever documents, TimeProvider time, ILogger logger)
{
    /// <summary>Time between two attempts to ask.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(30);

    /// <summary>Age from which the keys are asked for again, beside the requests.</summary>
    public static readonly TimeSpan FreshFor = TimeSpan.FromHours(1);

    /// <summary>Age up to which keys are believed while the issuer can't be reached: a key that it has withdrawn is good for no longer.</summary>
    public static readonly TimeSpan BelievedFor = TimeSpan.FromHours(24);

    private readonly Lock _gate = new();
    private Task _asking = Task.CompletedTask;
    private long? _askedAt;
    private volatile bool _failed;
    private volatile Known? _known;

    /// <summary>The issuer's name, and its keys of this id: none when it has none.</summary>
    /// <exception cref="ProblemException">503: the issuer can't be reached, so whether it has such a key can't be said.</exception>
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

        // Not cancelled with one request: others wait for the same answer.
        await AskAsync().WaitAsync(cancellationToken);
        known = Believed();
        keys = known?.Keys(keyId) ?? [];
        if (known is null || (keys.Count == 0 && _failed))
        {
            throw Problems.Unavailable(
                "authority", "The issuer of tokens can't be reached at the moment, so this one can't be judged. Keys are not concerned.", (int)Pause.TotalSeconds);
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

    // Never throws: a request learns of it by what is known, or not, afterwards.
    private async Task TryAskAsync()
    {
        try
        {
            OpenIdConnectConfiguration answer = await OpenIdConnectConfigurationRetriever.GetAsync(
                $"{authority.AbsoluteUri.TrimEnd('/')}/.well-known/openid-configuration", documents, CancellationToken.None);
            if (string.IsNullOrEmpty(answer.Issuer) || answer.SigningKeys.Count == 0)
            {
                throw new InvalidDataException("Its configuration names no issuer, or no keys.");
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

    private static string FirstCause(Exception e) => e.GetBaseException().Message;

    private sealed record Known(string Issuer, ILookup<string, SecurityKey> ById, long At)
    {
        public List<SecurityKey> Keys(string keyId) => [.. ById[keyId]];
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "The keys of FinanceIngest__Jwt__Authority could not be fetched; tokens are judged by those already known, if any: {Problem}")]
        public static partial void Unreachable(ILogger logger, string problem);
    }
}
