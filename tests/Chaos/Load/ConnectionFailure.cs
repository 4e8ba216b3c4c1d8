using System.Net.Sockets;

namespace FinanceIngest.Chaos.Load;

/// <summary>Recognises a request that ended without an answer: the server is down, was killed, or is frozen.</summary>
internal static class ConnectionFailure
{
    /// <summary>
    /// Whether a failure is that of the connection. A server that is killed right after accepting a connection makes <see cref="HttpClient"/> throw a bare
    /// <see cref="SocketException"/> (.NET 10): it asks the new socket for the address of the other side, which is gone.
    /// </summary>
    public static bool IsOne(Exception failure) => failure is HttpRequestException or IOException or SocketException;
}
