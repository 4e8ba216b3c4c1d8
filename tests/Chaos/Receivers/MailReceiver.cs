using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace FinanceIngest.Chaos.Receivers;

/// <summary>A mail server (RFC 5321) that keeps the Message-ID of each mail that it took.</summary>
internal sealed class MailReceiver : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly ChannelLog _log;
    private readonly Task _accepting;

    public MailReceiver(ChannelLog log)
    {
        _log = log;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public ChannelLog Log => _log;

    public Ambush Ambush { get; } = new();

    /// <summary>The settings of the channel.</summary>
    public IEnumerable<(string Name, string Value)> Settings =>
    [
        ("Type", "smtp"), ("Host", "127.0.0.1"), ("Port", ((IPEndPoint)_listener.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture)),
        ("Security", "none"), ("From", "alerts@finance.example"), ("To", "family@home.example"),
    ];

    public async ValueTask DisposeAsync()
    {
        Ambush.End();
        await _end.CancelAsync();
        _listener.Stop();
        await _accepting;
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        var sessions = new List<Task>();
        try
        {
            while (true)
            {
                TcpClient client = await _listener.AcceptTcpClientAsync(_end.Token);
                sessions.RemoveAll(session => session.IsCompleted);
                sessions.Add(Task.Run(() => ServeAsync(client)));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(sessions);
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using TcpClient connection = client;
        try
        {
            Stream stream = connection.GetStream();
            using var reader = new StreamReader(stream, Encoding.Latin1);
            await SayAsync(stream, "220 chaos");
            while (await reader.ReadLineAsync(_end.Token) is { } line)
            {
                switch (line.Split(' ')[0].ToUpperInvariant())
                {
                    case "DATA":
                        await SayAsync(stream, "354 go on");
                        if (await ReadMailAsync(reader) is not { } id)
                        {
                            return;
                        }

                        _log.Take(id, [(id, null)]);
                        if (await Ambush.PassAsync())
                        {
                            return;
                        }

                        await SayAsync(stream, "250 OK");
                        break;
                    case "QUIT":
                        await SayAsync(stream, "221 bye");
                        return;
                    default:
                        await SayAsync(stream, "250 OK");
                        break;
                }
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The sender was killed, or the run is over.
        }
    }

    // Returns the id with which the Message-ID begins; null when the sender was killed before the mail's end, and the mail is not taken.
    private async Task<Guid?> ReadMailAsync(StreamReader reader)
    {
        Guid? id = null;
        while (await reader.ReadLineAsync(_end.Token) is { } line)
        {
            if (line == ".")
            {
                if (id is null)
                {
                    _log.Violate("a mail has no Message-ID");
                }

                return id;
            }

            if (id is null && line.StartsWith("Message-Id: <", StringComparison.OrdinalIgnoreCase))
            {
                id = Guid.ParseExact(line.AsSpan("Message-Id: <".Length, 36), "D");
            }
        }

        return null;
    }

    private static async Task SayAsync(Stream stream, string line)
    {
        await stream.WriteAsync(Encoding.Latin1.GetBytes($"{line}\r\n"));
        await stream.FlushAsync();
    }
}
