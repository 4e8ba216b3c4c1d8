using System.Net;
using System.Net.Sockets;

namespace FinanceIngest.Http;

/// <summary>
/// Limits failures that may be guesses, also where no rate limit is configured: ids that were never issued, for each caller, and keys and tokens that are not
/// known, for each address. Beyond the limit the answer is 429 instead of the failure. What is right is answered whatever was guessed beside it, so that
/// nobody can lock others out.
/// </summary>
/// <param name="time">The clock.</param>
internal sealed class FailureLimiter(TimeProvider time)
{
    /// <summary>Ids that were never issued, for each caller and minute.</summary>
    public const int IdsPerMinute = 1000;

    /// <summary>Unknown keys and tokens, for each address and minute.</summary>
    public const int KeysPerMinute = 600;

    private readonly RateLimiter _ids = new(IdsPerMinute, time);
    private readonly RateLimiter _keys = new(KeysPerMinute, time);

    /// <summary>Counts ids in a request that were never issued. An answer that would tell of them must not be sent when this throws.</summary>
    /// <exception cref="ProblemException">429.</exception>
    public void CountIds(string caller, int ids) =>
        _ids.Count(caller, ids, "This key has asked for too many ids that were never issued");

    /// <summary>Counts a request whose key or token is not known.</summary>
    /// <param name="address">The address of the request; null: the head can't tell, and all such requests count together.</param>
    /// <exception cref="ProblemException">429.</exception>
    public void CountKey(IPAddress? address) =>
        _keys.Count(NetworkOf(address), what: "Too many requests came without a known key from this address");

    // Whoever has one IPv6 address usually has the 2^64 of its network.
    private static string NetworkOf(IPAddress? address)
    {
        if (address is null)
        {
            return "";
        }

        IPAddress plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return plain.AddressFamily == AddressFamily.InterNetworkV6
            ? Convert.ToHexString(plain.GetAddressBytes().AsSpan(0, 8))
            : plain.ToString();
    }
}
