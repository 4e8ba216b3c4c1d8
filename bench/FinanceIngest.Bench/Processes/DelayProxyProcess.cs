using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace FinanceIngest.Bench.Processes;

/// <summary>The program <c>DelayProxy</c> in front of a server on this machine: it adds a round trip to every exchange.</summary>
internal sealed class DelayProxyProcess : IAsyncDisposable
{
    private readonly ChildProcess _process;
    private readonly long _startedAt = Stopwatch.GetTimestamp();
    private DelayFigures? _figures;

    private DelayProxyProcess(ChildProcess process, int port)
    {
        _process = process;
        Port = port;
    }

    /// <summary>The port on 127.0.0.1 at which the proxy listens.</summary>
    public int Port { get; }

    public static async Task<DelayProxyProcess> StartAsync(BenchFolder folder, string host, int port, TimeSpan roundTrip)
    {
        ChildProcess process = ChildProcess.Start(
            "DelayProxy", folder,
            [host, port.ToString(CultureInfo.InvariantCulture), roundTrip.TotalMicroseconds.ToString("F0", CultureInfo.InvariantCulture)]);
        return new DelayProxyProcess(process, (await process.AddressAsync()).Port);
    }

    /// <summary>Ends the proxy and returns what it says about itself.</summary>
    public async Task<DelayFigures> EndAsync()
    {
        if (_figures is null)
        {
            TimeSpan elapsed = Stopwatch.GetElapsedTime(_startedAt);
            await _process.DisposeAsync();
            string line = (await File.ReadAllLinesAsync(_process.LogPath)).LastOrDefault(line => line.StartsWith('{'))
                ?? throw new InvalidOperationException($"The delay proxy did not say how precise it was; see {_process.LogPath}.");
            using JsonDocument said = JsonDocument.Parse(line);
            _figures = new DelayFigures(
                said.RootElement.GetProperty("pieces").GetInt64(),
                said.RootElement.GetProperty("late_us_median").GetDouble(),
                said.RootElement.GetProperty("late_us_p99").GetDouble(),
                said.RootElement.GetProperty("late_us_highest").GetDouble(),
                said.RootElement.GetProperty("processor_seconds").GetDouble(),
                elapsed.TotalSeconds);
        }

        return _figures;
    }

    public async ValueTask DisposeAsync()
    {
        if (_figures is null)
        {
            await _process.DisposeAsync();
        }
    }

    /// <summary>
    /// Returns the milliseconds in which single bytes go to a server and back, one after the other: without a proxy, or through one that adds a round trip.
    /// </summary>
    public static async Task<double[]> MeasureAsync(BenchFolder folder, TimeSpan? roundTrip, int count, CancellationToken cancellationToken)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        int port = ((IPEndPoint)listener.LocalEndpoint).Port;
        var echo = new Thread(() => Echo(listener)) { IsBackground = true };
        echo.Start();
        await using DelayProxyProcess? proxy = roundTrip is { } added ? await StartAsync(folder, "127.0.0.1", port, added) : null;
        return await Task.Run(
            () =>
            {
                using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                socket.Connect(new IPEndPoint(IPAddress.Loopback, proxy?.Port ?? port));
                byte[] one = [1];
                double[] milliseconds = new double[count];
                for (int i = 0; i < count; i++)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    long start = Stopwatch.GetTimestamp();
                    socket.Send(one);
                    socket.Receive(one);
                    milliseconds[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                }

                return milliseconds;
            },
            cancellationToken);
    }

    private static void Echo(TcpListener listener)
    {
        using Socket socket = listener.AcceptSocket();
        socket.NoDelay = true;
        byte[] one = [0];
        try
        {
            while (socket.Receive(one) > 0)
            {
                socket.Send(one);
            }
        }
        catch (SocketException)
        {
            // The proxy ended, and with it the measurement.
        }
    }
}

/// <summary>What a delay proxy says about itself.</summary>
/// <param name="Pieces">The pieces of data that it delayed.</param>
/// <param name="MedianMicroseconds">How late a piece left at the median.</param>
/// <param name="P99Microseconds">How late 99 of 100 pieces left at the most.</param>
/// <param name="HighestMicroseconds">How late a piece left at the worst.</param>
/// <param name="ProcessorSeconds">The processor time that the proxy took.</param>
/// <param name="Seconds">How long it ran.</param>
internal sealed record DelayFigures(
    long Pieces, double MedianMicroseconds, double P99Microseconds, double HighestMicroseconds, double ProcessorSeconds, double Seconds)
{
    /// <summary>A sentence for the report.</summary>
    public string Describe(string name) => string.Create(
        CultureInfo.InvariantCulture,
        $"The proxy in front of {name} delayed {Pieces:N0} pieces of data, which left {MedianMicroseconds:N0} µs later than asked at the median, "
            + $"{P99Microseconds:N0} µs at the 99th percentile and {HighestMicroseconds:N0} µs at the most; it took {ProcessorSeconds:F1} s of processor time "
            + $"in {Seconds:N0} s.");
}
