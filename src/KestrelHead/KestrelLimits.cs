using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace FinanceIngest.KestrelHead;

/// <summary>What a connection may hold, and for how long, when its client is slow, stands still or is gone.</summary>
internal static class KestrelLimits
{
    private const int SocketBuffer = 256 * 1024;
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(5);

    /// <param name="limits">Kestrel's.</param>
    /// <param name="maximumConnections">Connections at once; one more is closed as soon as it is there.</param>
    public static void Apply(KestrelServerLimits limits, int maximumConnections)
    {
        limits.MaxConcurrentConnections = maximumConnections;

        // The endpoints have their own limits. A limit here would break the connection before the client has read the 413 that says so; what is
        // left of a body is thrown away for five seconds at most.
        limits.MaxRequestBodySize = null;

        // Headers are whole within this time. A connection between two requests is kept for longer than load balancers keep theirs (Kestrel's own
        // 130 s), so that it is they who close it.
        limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        limits.MaxRequestHeadersTotalSize = 32 * 1024;

        // Bodies and answers go at least at these rates, on average, in bytes per second.
        limits.MinRequestBodyDataRate = new MinDataRate(1024, s_grace);
        limits.MinResponseDataRate = new MinDataRate(16 * 1024, s_grace);

        // Read ahead of the program: also what a client sends while an earlier request of its own is still being answered, which nothing else bounds.
        limits.MaxRequestBufferSize = 128 * 1024;
        limits.Http2.InitialConnectionWindowSize = 256 * 1024;
        limits.Http2.InitialStreamWindowSize = 128 * 1024;
        limits.Http2.MaxStreamsPerConnection = 100;
        limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
        limits.Http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(20);
    }

    /// <summary>
    /// Bounds what the kernel holds of a connection, which a container's limit counts too: left to itself Linux lets an answer that nobody reads grow to several
    /// mebibytes. Accepted connections have their listener's sizes.
    /// </summary>
    public static void Apply(SocketTransportOptions transport) => transport.CreateBoundListenSocket = endpoint =>
    {
        Socket listener = SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
        if (endpoint is IPEndPoint)
        {
            listener.SendBufferSize = SocketBuffer;
            listener.ReceiveBufferSize = SocketBuffer;
        }

        return listener;
    };
}
