using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace FinanceIngest.Notifications.Channels;

/// <summary>
/// Decides which addresses a user may make this system ask. What is allowed is public: no address of this machine, of a private or link-local network, of a
/// cloud's metadata service, and none that hides one of these in another notation.
/// </summary>
internal static class AddressGuard
{
    // https://www.iana.org/assignments/iana-ipv4-special-registry, multicast, what is reserved, and the host of Azure's own services.
    private static readonly Range[] s_refusedV4 =
    [
        .. new[]
        {
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
            "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
            "224.0.0.0/4", "240.0.0.0/4",
        }.Select(Range.Parse),
    ];

    // Only 2000::/3 is given out to the public internet; so mapped, compatible, NAT64, unique local, link-local and multicast addresses are refused by that
    // alone. Within it: special purposes (with Teredo, which carries an IPv4 address), documentation, and 6to4, which carries one as well.
    private static readonly Range s_publicV6 = Range.Parse("2000::/3");
    private static readonly Range[] s_refusedV6 =
    [
        .. new[] { "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20" }.Select(Range.Parse),
    ];

    /// <summary>Whether an address may be connected to.</summary>
    public static bool IsPublic(IPAddress address) => address.AddressFamily switch
    {
        AddressFamily.InterNetwork => !Array.Exists(s_refusedV4, network => network.Contains(address)),
        AddressFamily.InterNetworkV6 =>
            address.ScopeId == 0 && s_publicV6.Contains(address) && !Array.Exists(s_refusedV6, network => network.Contains(address)),
        _ => false,
    };

    /// <summary>
    /// Whether a URL has a form that may be asked: https on port 443, without a user name, and no address in it that is not public. Where the name leads is
    /// looked at when it is connected to.
    /// </summary>
    public static bool IsAllowed(string url) =>
        Uri.TryCreate(url, UriKind.Absolute, out Uri? uri) && IsAllowed(uri);

    /// <inheritdoc cref="IsAllowed(string)"/>
    public static bool IsAllowed(Uri uri)
    {
        if (uri.Scheme != Uri.UriSchemeHttps || uri.Port != 443 || uri.UserInfo.Length > 0 || uri.IdnHost.Length == 0 || uri.IsUnc)
        {
            return false;
        }

        // Uri reads 0x7f.1 and 2130706433 as the address that they are.
        return uri.HostNameType is UriHostNameType.IPv4 or UriHostNameType.IPv6
            ? IPAddress.TryParse(uri.IdnHost, out IPAddress? address) && IsPublic(address)
            : uri.HostNameType == UriHostNameType.Dns && uri.IdnHost.TrimEnd('.').Contains('.', StringComparison.Ordinal);
    }

    /// <summary>
    /// Addresses with a common beginning. IPNetwork of .NET 10 is not used: it says that 2000::/3 contains ::ffff:10.0.0.1, which would let a private address
    /// pass.
    /// </summary>
    private readonly record struct Range(byte[] Start, int Bits)
    {
        public static Range Parse(string text)
        {
            string[] parts = text.Split('/');
            return new Range(IPAddress.Parse(parts[0]).GetAddressBytes(), int.Parse(parts[1], CultureInfo.InvariantCulture));
        }

        public bool Contains(IPAddress address)
        {
            byte[] bytes = address.GetAddressBytes();
            int whole = Bits / 8;
            int mask = (byte)(0xff << (8 - (Bits % 8)));
            return bytes.Length == Start.Length && bytes.AsSpan(0, whole).SequenceEqual(Start.AsSpan(0, whole))
                && (Bits % 8 == 0 || (bytes[whole] & mask) == (Start[whole] & mask));
        }
    }
}
