using System.Buffers.Text;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace FinanceIngest.Bench.Load;

/// <summary>
/// Sends requests over a fixed number of connections, each of which sends its next request when the last one is answered. It uses sockets directly, because
/// HttpClient takes more of the shared cores than the servers that it would measure.
/// </summary>
internal sealed class HttpLoad(Uri server, string path, int connections)
{
    private const int ReceiveBuffer = 256 * 1024;

    /// <summary>Sends every body once and returns the duration. The connections are open before the clock starts.</summary>
    /// <param name="bodies">The bodies, as JSON.</param>
    /// <param name="expected">The status that every answer must have.</param>
    /// <param name="cancellationToken">Ends the sending.</param>
    /// <param name="milliseconds">Gets the time that each answer took, by the index of its body; null when nobody asks.</param>
    /// <exception cref="InvalidDataException">An answer has another status.</exception>
    public async Task<TimeSpan> SendAsync(
        IReadOnlyList<byte[]> bodies, HttpStatusCode expected, CancellationToken cancellationToken, double[]? milliseconds = null)
    {
        byte[][] requests = [.. bodies.Select(Request)];
        var sockets = new List<Socket>();
        try
        {
            for (int i = 0; i < connections; i++)
            {
                sockets.Add(await ConnectAsync(cancellationToken));
            }

            byte[] status = Encoding.ASCII.GetBytes($"HTTP/1.1 {((int)expected).ToString(CultureInfo.InvariantCulture)} ");
            int next = -1;
            long start = Stopwatch.GetTimestamp();
            await Task.WhenAll(sockets.Select(socket => Task.Run(
                async () =>
                {
                    byte[] buffer = new byte[ReceiveBuffer];
                    int index;
                    while ((index = Interlocked.Increment(ref next)) < requests.Length)
                    {
                        long sent = Stopwatch.GetTimestamp();
                        await ExchangeAsync(socket, requests[index], buffer, status, cancellationToken);
                        if (milliseconds is not null)
                        {
                            milliseconds[index] = Stopwatch.GetElapsedTime(sent).TotalMilliseconds;
                        }
                    }
                },
                cancellationToken)));
            return Stopwatch.GetElapsedTime(start);
        }
        finally
        {
            sockets.ForEach(socket => socket.Dispose());
        }
    }

    private static async Task ExchangeAsync(Socket socket, byte[] request, byte[] buffer, byte[] status, CancellationToken cancellationToken)
    {
        for (int sent = 0; sent < request.Length;)
        {
            sent += await socket.SendAsync(request.AsMemory(sent), SocketFlags.None, cancellationToken);
        }

        int filled = 0;
        int length = int.MaxValue;
        while (filled < length)
        {
            int read = await socket.ReceiveAsync(buffer.AsMemory(filled), SocketFlags.None, cancellationToken);
            if (read == 0)
            {
                throw new InvalidDataException("The server closed the connection.");
            }

            filled += read;
            length = length == int.MaxValue ? LengthOf(buffer.AsSpan(0, filled)) : length;
        }

        if (!buffer.AsSpan(0, filled).StartsWith(status))
        {
            throw new InvalidDataException($"Not the expected answer: {Encoding.UTF8.GetString(buffer, 0, Math.Min(filled, 600))}");
        }
    }

    // Returns the length of head and body together; MaxValue while the head is incomplete. Every server here sends a Content-Length.
    private static int LengthOf(ReadOnlySpan<byte> answer)
    {
        int head = answer.IndexOf("\r\n\r\n"u8);
        if (head < 0)
        {
            return int.MaxValue;
        }

        ReadOnlySpan<byte> name = "Content-Length: "u8;
        int at = answer[..head].IndexOf(name) + name.Length;
        return Utf8Parser.TryParse(answer[at..], out int body, out _)
            ? head + 4 + body
            : throw new InvalidDataException("The answer does not say how long it is.");
    }

    private byte[] Request(byte[] body)
    {
        byte[] head = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture,
            $"POST {path} HTTP/1.1\r\nHost: {server.Authority}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n"));
        return [.. head, .. body];
    }

    private async Task<Socket> ConnectAsync(CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(server.Host, server.Port, cancellationToken);
        return socket;
    }
}
