using System.Security.Cryptography;
using System.Text;
using FinanceIngest.Configuration;

namespace FinanceIngest.Http;

/// <summary>Who sent a request, and what that allows.</summary>
/// <param name="Name">Name of the key.</param>
/// <param name="Scopes">What it allows.</param>
public sealed record Caller(string Name, Scopes Scopes);

/// <summary>Checks keys as Azure Functions takes them: header <c>x-functions-key</c> or query <c>code</c>.</summary>
/// <remarks>Secrets are kept as SHA-256 only; every request is compared with every key in constant time.</remarks>
public sealed class ApiKeys(IReadOnlyList<ApiKeySetting> settings)
{
    private readonly List<(byte[] Hash, Caller Caller)> _keys =
        [.. settings.Select(key => (SHA256.HashData(Encoding.UTF8.GetBytes(key.Secret)), new Caller(key.Name, key.Scopes)))];

    /// <summary>Whether any key is configured; without one every caller has every scope.</summary>
    public bool AreConfigured => _keys.Count > 0;

    /// <summary>The caller of a request.</summary>
    /// <exception cref="ProblemException">401.</exception>
    public Caller Authenticate(ApiRequest request)
    {
        if (!AreConfigured)
        {
            return new Caller("(open)", Scopes.All);
        }

        string? header = request.Header("x-functions-key");
        string given = (string.IsNullOrEmpty(header) ? request.Query("code") : header)
            ?? throw Problems.Unauthorized("Send the key in the header x-functions-key or the query parameter code.");
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
