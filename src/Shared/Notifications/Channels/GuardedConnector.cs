using System.Net;
using System.Net.Sockets;

namespace FinanceIngest.Notifications.Channels;

/// <summary>
/// Connects to addresses that users supplied. A name is resolved here, once for each connection, and the connection goes to the very address that was looked
/// at: a name server that answers otherwise the next time changes nothing.
/// </summary>
/// <param name="resolve">Returns the addresses of a name; null: the system's resolver.</param>
/// <param name="connect">Connects to an address and a port; null: by TCP.</param>
internal sealed class GuardedConnector(
    Func<string, CancellationToken, Task<IPAddress[]>>? resolve = null, Func<IPAddress, int, CancellationToken, Task<Stream>>? connect = null)
{
    private readonly Func<string, CancellationToken, Task<IPAddress[]>> _resolve = resolve ?? Dns.GetHostAddressesAsync;
    private readonly Func<IPAddress, int, CancellationToken, Task<Stream>> _connect = connect ?? ConnectAsync;

    /// <summary>The callback of a handler of HTTP.</summary>
    /// <exception cref="ForbiddenAddressException">The port is not 443, or an address of the name is not public.</exception>
    public async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        DnsEndPoint target = context.DnsEndPoint;
        if (target.Port != 443)
        {
            throw new ForbiddenAddressException();
        }

        IPAddress[] addresses = IPAddress.TryParse(target.Host, out IPAddress? literal) ? [literal] : await _resolve(target.Host, cancellationToken);

        // A name with one address inside and one outside is no honest one, and which of them is tried first would be its owner's choice.
        if (addresses.Length == 0 || !Array.TrueForAll(addresses, AddressGuard.IsPublic))
        {
            throw new ForbiddenAddressException();
        }

        Exception? first = null;
        foreach (IPAddress address in addresses)
        {
            try
            {
                return await _connect(address, target.Port, cancellationToken);
            }
            catch (SocketException e)
            {
                first ??= e;
            }
        }

        throw first!;
    }

    private static async Task<Stream> ConnectAsync(IPAddress address, int port, CancellationToken cancellationToken)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(address, port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
