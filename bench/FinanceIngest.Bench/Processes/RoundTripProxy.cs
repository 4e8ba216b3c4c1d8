using System.Net;
using System.Net.Sockets;

namespace FinanceIngest.Bench.Processes;

/// <summary>
/// Forwards connections and counts round trips: how often the client sends after the server has sent. In a protocol of requests and responses, such as TDS
/// without multiple active result sets, that is the number of requests, whatever they contain and however many packets they take.
/// </summary>
internal sealed class RoundTripProxy : IAsyncDisposable
{
    private const int Buffer = 64 * 1024;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _run;
    private readonly string _host;
    private readonly int _port;
    private long _roundTrips;
    private long _connections;

    public RoundTripProxy(string host, int port)
    {
        _host = host;
        _port = port;
        _listener.Start();
        _run = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public long RoundTrips => Interlocked.Read(ref _roundTrips);

    /// <summary>The number of connections so far. A new connection during a measurement would add the round trips of its login.</summary>
    public long Connections => Interlocked.Read(ref _connections);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _run.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _listener.Dispose();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        var connections = new List<Task>();
        try
        {
            while (true)
            {
                Socket client = await _listener.AcceptSocketAsync(_stop.Token);
                Interlocked.Increment(ref _connections);
                connections.Add(ForwardAsync(client));
            }
        }
        finally
        {
            await Task.WhenAll(connections).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ForwardAsync(Socket client)
    {
        using (client)
        using (var server = new Socket(SocketType.Stream, ProtocolType.Tcp))
        {
            client.NoDelay = true;
            server.NoDelay = true;
            await server.ConnectAsync(_host, _port, _stop.Token);
            var exchange = new Exchange();
            using var end = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
            Task[] pumps =
            [
                PumpAsync(client, server, () => Interlocked.Add(ref _roundTrips, exchange.ClientSpeaks() ? 1 : 0), end.Token),
                PumpAsync(server, client, exchange.ServerSpeaks, end.Token),
            ];
            await Task.WhenAny(pumps);
            await end.CancelAsync();
            await Task.WhenAll(pumps).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task PumpAsync(Socket from, Socket to, Action onData, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[Buffer];
        int read;
        while ((read = await from.ReceiveAsync(buffer, SocketFlags.None, cancellationToken)) > 0)
        {
            onData();
            for (int sent = 0; sent < read;)
            {
                sent += await to.SendAsync(buffer.AsMemory(sent, read - sent), SocketFlags.None, cancellationToken);
            }
        }
    }

    /// <summary>Remembers which side of a connection sent last.</summary>
    private sealed class Exchange
    {
        private int _clientSpokeLast;

        /// <summary>Records that the client sends; returns true when that begins a new request.</summary>
        public bool ClientSpeaks() => Interlocked.Exchange(ref _clientSpokeLast, 1) == 0;

        public void ServerSpeaks() => Interlocked.Exchange(ref _clientSpokeLast, 0);
    }
}
