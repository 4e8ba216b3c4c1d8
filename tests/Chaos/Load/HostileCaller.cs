using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace FinanceIngest.Chaos.Load;

/// <summary>A caller that sends raw requests to one address and reads the answers as slowly as it likes. It counts what it was answered.</summary>
/// <param name="address">The address of the intake.</param>
internal sealed class HostileCaller(Uri address)
{
    private const int Piece = 16 * 1024;
    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, int> _statuses = new(StringComparer.Ordinal);

    /// <summary>The answers by status; connections that were closed without an answer count as <c>none</c>.</summary>
    public string Statuses
    {
        get
        {
            lock (_gate)
            {
                return string.Join(", ", _statuses.Select(status => $"{status.Value} × {status.Key}"));
            }
        }
    }

    /// <summary>The length of the longest answer, in bytes of its body.</summary>
    public long LongestAnswer { get; private set; }

    /// <summary>Returns how many answers had this status.</summary>
    public int Count(string status)
    {
        lock (_gate)
        {
            return _statuses.GetValueOrDefault(status);
        }
    }

    /// <summary>Opens a connection with a small window, so that most of an answer stays on the server's side.</summary>
    public async Task<TcpClient> ConnectAsync(CancellationToken cancellationToken)
    {
        var client = new TcpClient { ReceiveBufferSize = 4096 };
        try
        {
            await client.ConnectAsync(address.Host, address.Port, cancellationToken);
            return client;
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    /// <summary>Sends a request on a connection of its own, and reads the answer with pauses until its end or until the caller is stopped.</summary>
    public async Task AskAsync(string head, byte[] body, TimeSpan pause, CancellationToken cancellationToken)
    {
        string status = "none";
        try
        {
            using TcpClient client = await ConnectAsync(cancellationToken);
            NetworkStream stream = client.GetStream();
            Task sending = SendAsync(stream, head, body, cancellationToken);
            byte[] buffer = new byte[Piece];
            int read = await stream.ReadAsync(buffer, cancellationToken);
            string answer = Encoding.ASCII.GetString(buffer, 0, read);
            if (answer.Length > 12)
            {
                status = answer[9..12];
                long length = LengthOf(answer);
                lock (_gate)
                {
                    LongestAnswer = Math.Max(LongestAnswer, length);
                }
            }

            while (read > 0)
            {
                await Task.Delay(pause, cancellationToken);
                read = await stream.ReadAsync(buffer, cancellationToken);
            }

            await sending;
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
        {
            // The server has cut the connection, or the attack has ended.
        }

        lock (_gate)
        {
            _statuses[status] = _statuses.GetValueOrDefault(status) + 1;
        }
    }

    private static async Task SendAsync(NetworkStream stream, string head, byte[] body, CancellationToken cancellationToken)
    {
        try
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(head), cancellationToken);
            await stream.WriteAsync(body, cancellationToken);
        }
        catch (IOException)
        {
            // The server answered before it had read all of it.
        }
    }

    private static long LengthOf(string answer)
    {
        const string name = "Content-Length: ";
        int at = answer.IndexOf(name, StringComparison.OrdinalIgnoreCase);
        int end = at < 0 ? -1 : answer.IndexOf('\r', at);
        return end < 0 ? 0 : long.Parse(answer.AsSpan(at + name.Length, end - at - name.Length), CultureInfo.InvariantCulture);
    }
}
