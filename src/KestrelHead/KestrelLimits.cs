using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace FinanceIngest.KestrelHead;

/// <summary>Limits what a connection may hold, and for how long, when its client is slow, silent or gone.</summary>
internal static class KestrelLimits
{
    /// <summary>What is asked for each of a connection's two buffers in the kernel, in bytes; Linux doubles it for its own book-keeping.</summary>
    public const int SocketBuffer = 256 * 1024;
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(5);

    /// <summary>Sets the limits of connections and requests.</summary>
    /// <param name="limits">Kestrel's limits.</param>
    public static void Apply(KestrelServerLimits limits)
    {
        // ConnectionPlaces limits the connections, because Kestrel's own limit would close those of probes.
        limits.MaxConcurrentConnections = null;

        // The endpoints have their own limits. A limit here would break the connection before the client has read the 413; instead Kestrel discards the rest
        // of the body, for five seconds at most.
        limits.MaxRequestBodySize = null;

        // All headers must arrive within this time. An idle connection is kept for Kestrel's own 130 s, which is longer than load balancers keep theirs, so
        // that the load balancer is the one that closes it.
        limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        limits.MaxRequestHeadersTotalSize = 32 * 1024;

        // The least average rates at which a client must send a body and read an answer, in bytes per second.
        limits.MinRequestBodyDataRate = new MinDataRate(1024, s_grace);
        limits.MinResponseDataRate = new MinDataRate(16 * 1024, s_grace);

        // Bytes that are received before the program reads them. Nothing else bounds what a client sends while its previous request is still being answered.
        limits.MaxRequestBufferSize = 128 * 1024;
        limits.Http2.InitialConnectionWindowSize = 256 * 1024;
        limits.Http2.InitialStreamWindowSize = 128 * 1024;
        limits.Http2.MaxStreamsPerConnection = 100;
        limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
        limits.Http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(20);
    }

    /// <summary>
    /// Bounds the kernel's buffers of a connection, which count towards a container's memory limit: by default Linux lets an answer that the client does not
    /// read take several mebibytes. Accepted connections inherit the sizes of their listener.
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
