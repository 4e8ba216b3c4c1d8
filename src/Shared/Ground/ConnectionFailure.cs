using System.Net.Sockets;

namespace FinanceIngest.Ground;

/// <summary>Recognises a request over HTTP that ended without an answer, because the connection could not be made or broke.</summary>
public static class ConnectionFailure
{
    /// <summary>
    /// Whether a failure of an <see cref="HttpClient"/> is that of its connection. A server that resets a connection right after accepting it makes the client
    /// throw a bare <see cref="SocketException"/> (.NET 10): it asks the new socket for the address of the other side, which is gone.
    /// </summary>
    public static bool IsOne(Exception failure) => failure is HttpRequestException or IOException or SocketException;
}
