using System.Security.Cryptography;
using System.Text;
using FinanceIngest.Configuration;

namespace FinanceIngest.Http;

/// <summary>The caller of a request.</summary>
/// <param name="Name">The key's name, or <c>token:</c> and the token's client. The rate limit counts by it; no key can have a token's name.</param>
/// <param name="Scopes">The scopes that the caller has.</param>
/// <param name="HasToken">Whether the caller sent a token instead of a key.</param>
internal sealed record Caller(string Name, Scopes Scopes, bool HasToken = false);

/// <summary>Checks keys as Azure Functions takes them: header <c>x-functions-key</c> or query <c>code</c>.</summary>
/// <remarks>
/// Secrets are kept as SHA-256 hashes only. The key of a request is compared with every configured key, each time in constant time and also after a match, so
/// the time taken reveals nothing but the length of the given text. The query is ignored when the header is present, also when that is empty: what stands
/// before the server may have looked at the one and not at the other.
/// </remarks>
internal sealed class ApiKeys(IReadOnlyList<ApiKeySetting> settings)
{
    private readonly List<(byte[] Hash, Caller Caller)> _keys =
        [.. settings.Select(key => (SHA256.HashData(Encoding.UTF8.GetBytes(key.Secret)), new Caller(key.Name, key.Scopes)))];

    /// <summary>Whether any key is configured; without one every caller has every scope.</summary>
    public bool AreConfigured => _keys.Count > 0;

    /// <summary>The key in a request; null when it has none.</summary>
    /// <exception cref="ProblemException">401: the query has more than one, and nothing says which of them is meant.</exception>
    public static string? Find(ApiRequest request) =>
        request.Header("x-functions-key") is { } header ? header
        : request.Parameters.Count(QueryParameters.Key) <= 1 ? request.Query(QueryParameters.Key)
        : throw Problems.Unauthorized("The query parameter code is given more than once.");

    /// <summary>The caller of a request.</summary>
    /// <exception cref="ProblemException">401: the request has no key, or one that is not configured.</exception>
    internal Caller Authenticate(ApiRequest request)
    {
        if (!AreConfigured)
        {
            return new Caller("(open)", Scopes.All);
        }

        string given = Find(request) ?? throw Problems.Unauthorized("Send the key in the header x-functions-key or the query parameter code.");
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(given), hash);
        Caller? caller = null;
        foreach ((byte[] known, Caller owner) in _keys)
        {
            caller = CryptographicOperations.FixedTimeEquals(known, hash) ? owner : caller;
        }

        return caller ?? throw Problems.Unauthorized("The key is not known.");
    }
}
