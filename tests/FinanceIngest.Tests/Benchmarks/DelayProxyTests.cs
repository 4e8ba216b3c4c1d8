using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using FinanceIngest.Bench.Delay;

namespace FinanceIngest.Tests.Benchmarks;

/// <summary>The proxy that adds distance in <c>bench/run network</c>: it delays every byte, and changes nothing else.</summary>
public sealed class DelayProxyTests : IDisposable
{
    private static readonly TimeSpan s_roundTrip = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan s_half = s_roundTrip / 2;
    private static readonly TimeSpan s_almostHalf = s_half - TimeSpan.FromTicks(1);

    private readonly ManualClock _clock = new();
    private readonly Socket _listener = new(SocketType.Stream, ProtocolType.Tcp);
    private readonly List<IDisposable> _open = [];

    public DelayProxyTests()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
    }

    private static CancellationToken CancellationToken => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _open.ForEach(item => item.Dispose());
        _listener.Dispose();
    }

    [Fact]
    public async Task A_byte_arrives_half_a_round_trip_after_it_was_sent_and_not_before()
    {
        (Socket client, Socket server, DelayProxy proxy) = await ConnectAsync(_clock);
        await client.SendAsync(new byte[] { 1 }, CancellationToken);
        Task<int> there = ReceiveAsync(server);
        await ReadByProxyAsync(proxy, pieces: 1);
        _clock.Advance(s_almostHalf);
        Assert.False(server.Poll(TimeSpan.FromMilliseconds(20), SelectMode.SelectRead));
        _clock.Advance(TimeSpan.FromTicks(1));
        Assert.Equal(1, await there);

        await server.SendAsync(new byte[] { 2 }, CancellationToken);
        Task<int> back = ReceiveAsync(client);
        await ReadByProxyAsync(proxy, pieces: 2);
        _clock.Advance(s_almostHalf);
        Assert.False(client.Poll(TimeSpan.FromMilliseconds(20), SelectMode.SelectRead));
        _clock.Advance(TimeSpan.FromTicks(1));
        Assert.Equal(2, await back);
    }

    [Fact]
    public async Task A_new_connection_costs_a_round_trip_of_its_own()
    {
        DelayProxy proxy = Open(new DelayProxy(_listener.LocalEndPoint!, s_roundTrip, _clock));
        Socket client = Open(new Socket(SocketType.Stream, ProtocolType.Tcp));
        await client.ConnectAsync(new IPEndPoint(IPAddress.Loopback, proxy.Port), CancellationToken);
        await client.SendAsync(new byte[] { 1 }, CancellationToken);
        Socket server = Open(await _listener.AcceptAsync(CancellationToken));
        _clock.Advance(s_roundTrip);
        await ReadByProxyAsync(proxy, pieces: 1);
        Assert.False(server.Poll(TimeSpan.FromMilliseconds(20), SelectMode.SelectRead));
        _clock.Advance(s_half);
        Assert.Equal(1, await ReceiveAsync(server));
    }

    [Fact]
    public async Task Megabytes_are_under_way_at_once_so_that_distance_takes_no_bandwidth()
    {
        const int Length = 32 * 1024 * 1024;
        (Socket client, Socket server, _) = await ConnectAsync(_clock);

        // The clock stands: everything that is sent has to be on its way.
        byte[] sent = new byte[Length];
        new Random(1).NextBytes(sent);
        await SendAllAsync(client, sent);
        client.Shutdown(SocketShutdown.Send);
        Task<byte[]> received = ReceiveAllAsync(server);
        while (!received.IsCompleted)
        {
            _clock.Advance(s_half);
            await Task.Yield();
        }

        Assert.Equal(sent, await received);
    }

    [Fact]
    public async Task Bytes_arrive_whole_and_in_order_in_both_directions_at_once()
    {
        (Socket client, Socket server, _) = await ConnectAsync(new KernelClock());
        byte[] one = new byte[5_000_011];
        byte[] other = new byte[3_000_017];
        new Random(2).NextBytes(one);
        new Random(3).NextBytes(other);
        Task<byte[]> there = ReceiveAllAsync(server);
        Task<byte[]> back = ReceiveAllAsync(client);
        await Task.WhenAll(SendRaggedAsync(client, one), SendRaggedAsync(server, other));
        Assert.Equal(one, await there);
        Assert.Equal(other, await back);
    }

    [Fact]
    public async Task The_end_of_one_direction_leaves_the_other_open()
    {
        (Socket client, Socket server, _) = await ConnectAsync(new KernelClock());
        await client.SendAsync(new byte[] { 1 }, CancellationToken);
        client.Shutdown(SocketShutdown.Send);
        Assert.Equal([1], await ReceiveAllAsync(server));
        await server.SendAsync(new byte[] { 2 }, CancellationToken);
        server.Shutdown(SocketShutdown.Send);
        Assert.Equal([2], await ReceiveAllAsync(client));
    }

    [Fact]
    public async Task A_connection_that_breaks_is_closed_on_the_other_side()
    {
        (Socket client, Socket server, _) = await ConnectAsync(new KernelClock());
        client.LingerState = new LingerOption(enable: true, seconds: 0);
        client.Dispose();
        byte[] buffer = new byte[1];
        try
        {
            Assert.Equal(0, await server.ReceiveAsync(buffer, CancellationToken));
        }
        catch (SocketException e)
        {
            Assert.Equal(SocketError.ConnectionReset, e.SocketErrorCode);
        }
    }

    [Fact]
    public async Task A_server_that_refuses_closes_the_connection()
    {
        EndPoint nobody = _listener.LocalEndPoint!;
        _listener.Dispose();
        DelayProxy proxy = Open(new DelayProxy(nobody, s_roundTrip, new KernelClock()));
        Socket client = Open(new Socket(SocketType.Stream, ProtocolType.Tcp));
        await client.ConnectAsync(new IPEndPoint(IPAddress.Loopback, proxy.Port), CancellationToken);
        Assert.Empty(await ReceiveAllAsync(client));
    }

    [Fact]
    public async Task A_round_trip_is_never_shorter_than_asked()
    {
        (Socket client, Socket server, DelayProxy proxy) = await ConnectAsync(new KernelClock());
        for (int i = 0; i < 20; i++)
        {
            long start = Stopwatch.GetTimestamp();
            await client.SendAsync(new byte[] { 1 }, CancellationToken);
            await ReceiveAsync(server);
            await server.SendAsync(new byte[] { 1 }, CancellationToken);
            await ReceiveAsync(client);
            Assert.True(Stopwatch.GetElapsedTime(start) >= s_roundTrip);
        }

        Assert.Equal(40, proxy.Lateness.Count);
        Assert.Equal(1, proxy.Connections);
    }

    [Fact]
    public void Lateness_is_told_by_its_percentiles()
    {
        var lateness = new Lateness();
        Assert.Equal(0, lateness.PercentileMicroseconds(99));
        for (int i = 1; i <= 100; i++)
        {
            lateness.Add(i * 100_000);
        }

        Assert.Equal(100, lateness.Count);
        Assert.Equal(5_010, lateness.PercentileMicroseconds(50));
        Assert.Equal(9_910, lateness.PercentileMicroseconds(99));
        Assert.Equal(10_000, lateness.PercentileMicroseconds(100));
        lateness.Add(1_000_000_000);
        Assert.Equal(1_000_000, lateness.PercentileMicroseconds(100));
        Assert.Equal(1_000_000, lateness.HighestMicroseconds);
        lateness.Add(30_500_000_000);
        Assert.Equal(1_001_000, lateness.PercentileMicroseconds(99));
        Assert.Equal(30_500_000, lateness.PercentileMicroseconds(100));
    }

    private static async Task<int> ReceiveAsync(Socket socket)
    {
        byte[] buffer = new byte[1];
        return await socket.ReceiveAsync(buffer, CancellationToken) == 1 ? buffer[0] : throw new InvalidDataException("The stream ended.");
    }

    private static async Task<byte[]> ReceiveAllAsync(Socket socket)
    {
        using var all = new MemoryStream();
        byte[] buffer = new byte[100_000];
        int read;
        while ((read = await socket.ReceiveAsync(buffer, CancellationToken)) > 0)
        {
            all.Write(buffer, 0, read);
        }

        return all.ToArray();
    }

    private static async Task SendAllAsync(Socket socket, ReadOnlyMemory<byte> data)
    {
        while (data.Length > 0)
        {
            data = data[await socket.SendAsync(data, CancellationToken)..];
        }
    }

    private static async Task SendRaggedAsync(Socket socket, ReadOnlyMemory<byte> data)
    {
        var random = new Random(4);
        while (data.Length > 0)
        {
            int length = Math.Min(random.Next(1, 100_000), data.Length);
            await SendAllAsync(socket, data[..length]);
            data = data[length..];
        }

        socket.Shutdown(SocketShutdown.Send);
    }

    // Its reading thread has stamped the piece: from here on the clock decides when it leaves.
    private static async Task ReadByProxyAsync(DelayProxy proxy, int pieces)
    {
        while (proxy.Lateness.Entered < pieces)
        {
            await Task.Delay(1, CancellationToken);
        }
    }

    private T Open<T>(T item)
        where T : IDisposable
    {
        _open.Add(item);
        return item;
    }

    private async Task<(Socket Client, Socket Server, DelayProxy Proxy)> ConnectAsync(DelayClock clock)
    {
        DelayProxy proxy = Open(new DelayProxy(_listener.LocalEndPoint!, s_roundTrip, clock));
        Socket client = Open(new Socket(SocketType.Stream, ProtocolType.Tcp));
        await client.ConnectAsync(new IPEndPoint(IPAddress.Loopback, proxy.Port), CancellationToken);
        Socket server = Open(await _listener.AcceptAsync(CancellationToken));

        // The handshake's round trip.
        (clock as ManualClock)?.Advance(s_roundTrip);
        return (client, server, proxy);
    }
}
