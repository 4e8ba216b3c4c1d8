using System.Net;
using System.Net.Sockets;

namespace FinanceIngest.Bench.Delay;

/// <summary>
/// Forwards connections to a server and adds a fixed round trip: half of it to whatever travels in either direction. A new connection takes one round trip
/// more before its first byte travels, as the handshake of TCP does. Bandwidth is not limited and nothing is reordered.
/// </summary>
internal sealed class DelayProxy : IDisposable
{
    // Two directions of two threads each would take 8 MiB a connection with the usual stacks.
    private const int StackLength = 256 * 1024;

    private readonly Socket _listener = new(SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Socket> _sockets = [];
    private readonly EndPoint _server;
    private readonly long _roundTrip;
    private readonly DelayClock _clock;
    private int _connections;

    /// <param name="server">The address that connections are forwarded to.</param>
    /// <param name="roundTrip">The round trip that is added, ≥ 0.</param>
    /// <param name="clock">The clock.</param>
    public DelayProxy(EndPoint server, TimeSpan roundTrip, DelayClock clock)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(roundTrip, TimeSpan.Zero);
        _server = server;
        _roundTrip = (long)roundTrip.TotalNanoseconds;
        _clock = clock;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
        Start(Accept);
    }

    /// <summary>The port on 127.0.0.1 at which the proxy listens.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    /// <summary>The number of connections so far.</summary>
    public int Connections => Volatile.Read(ref _connections);

    /// <summary>How late the proxy itself was.</summary>
    public Lateness Lateness { get; } = new();

    /// <summary>Closes every connection. What is on its way is lost.</summary>
    public void Dispose()
    {
        _stop.Cancel();
        _listener.Dispose();
        lock (_sockets)
        {
            _sockets.ForEach(socket => socket.Dispose());
        }
    }

    private static void Start(ThreadStart work) => new Thread(work, StackLength) { IsBackground = true }.Start();

    private void Accept()
    {
        try
        {
            while (true)
            {
                Socket client = _listener.Accept();
                Interlocked.Increment(ref _connections);
                Start(() => Forward(client));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The proxy ends.
        }
    }

    private void Forward(Socket client)
    {
        long established = _clock.Now + _roundTrip;
        var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        client.NoDelay = true;
        lock (_sockets)
        {
            _sockets.Add(client);
            _sockets.Add(server);
        }

        try
        {
            server.Connect(_server);
            _clock.WaitUntil(established, _stop.Token);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            Close(client, server);
            return;
        }

        var there = new DelayLine(client, server, _roundTrip / 2, _clock, Lateness);
        var back = new DelayLine(server, client, _roundTrip / 2, _clock, Lateness);
        Start(there.Read);
        Start(back.Read);
        var writer = new Thread(() => there.Write(_stop.Token), StackLength) { IsBackground = true };
        writer.Start();
        back.Write(_stop.Token);
        writer.Join();
        Close(client, server);
    }

    private void Close(Socket client, Socket server)
    {
        client.Dispose();
        server.Dispose();
        lock (_sockets)
        {
            _sockets.Remove(client);
            _sockets.Remove(server);
        }
    }
}
