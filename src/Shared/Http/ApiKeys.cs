using System.Security.Cryptography;
using System.Text;
using FinanceIngest.Configuration;

namespace FinanceIngest.Http;

/// <summary>Who sent a request, and what that allows.</summary>
/// <param name="Name">Name of the key, or of a token's client: what its requests are counted under. No key can take a token's name.</param>
/// <param name="Scopes">What it allows.</param>
/// <param name="HasToken">Whether it came with a token instead of a key.</param>
internal sealed record Caller(string Name, Scopes Scopes, bool HasToken = false);

/// <summary>Checks keys as Azure Functions takes them: header <c>x-functions-key</c> or query <c>code</c>.</summary>
/// <remarks>
/// Secrets are kept as SHA-256 only. Every request is compared with every key, each in constant time, whichever of them matches: how long it takes says
/// nothing but how long the given text is. With a header the query is not looked at.
/// </remarks>
internal sealed class ApiKeys(IReadOnlyList<ApiKeySetting> settings)
{
    private readonly List<(byte[] Hash, Caller Caller)> _keys =
        [.. settings.Select(key => (SHA256.HashData(Encoding.UTF8.GetBytes(key.Secret)), new Caller(key.Name, key.Scopes)))];

    /// <summary>Whether any key is configured; without one every caller has every scope.</summary>
    public bool AreConfigured => _keys.Count > 0;

    /// <summary>The key that a request came with; null when it has none.</summary>
    public static string? Find(ApiRequest request) =>
        request.Header("x-functions-key") is { Length: > 0 } header ? header : request.Query("code");

    /// <summary>The caller of a request.</summary>
    /// <exception cref="ProblemException">401.</exception>
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
