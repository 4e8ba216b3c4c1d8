using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace FinanceIngest.Tests.Support;

/// <summary>
/// A proxy for SQL Server that can pause as a serverless Azure SQL database does: while paused, it refuses every login with error 40613; otherwise it passes
/// bytes on. It implements only the part of TDS that a refused login needs ([MS-TDS] 2.2.6.5 PRELOGIN, 2.2.7.10 ERROR, 2.2.7.6 DONE).
/// </summary>
internal sealed class PausableSqlServer : IAsyncDisposable
{
    public const int NotAvailable = 40613;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly (string Host, int Port)? _target;
    private readonly Task _accepting;
    private volatile bool _isPaused = true;
    private int _refused;

    /// <param name="dataSource">The server behind the proxy, as in a connection string; null when the proxy never resumes.</param>
    public PausableSqlServer(string? dataSource = null)
    {
        if (dataSource is not null)
        {
            string[] parts = dataSource.Replace("tcp:", "", StringComparison.OrdinalIgnoreCase).Split(',');
            _target = (parts[0], parts.Length > 1 ? int.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture) : 1433);
        }

        _listener.Start();
        _accepting = AcceptAsync();
    }

    public string DataSource => $"127.0.0.1,{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>How many logins the proxy has refused.</summary>
    public int Refused => Volatile.Read(ref _refused);

    public void Resume() => _isPaused = false;

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _accepting;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = HandleAsync(await _listener.AcceptTcpClientAsync());
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The listener was stopped.
        }
    }

    private async Task HandleAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                await (_isPaused ? RefuseAsync(client.GetStream()) : PassAsync(client.GetStream()));
            }
            catch (Exception e) when (e is IOException or SocketException)
            {
                // The client closed the connection.
            }
        }
    }

    private async Task PassAsync(NetworkStream client)
    {
        using var target = new TcpClient();
        await target.ConnectAsync(_target!.Value.Host, _target.Value.Port);
        NetworkStream server = target.GetStream();
        await Task.WhenAny(client.CopyToAsync(server), server.CopyToAsync(client));
    }

    private async Task RefuseAsync(NetworkStream client)
    {
        await ReadPacketAsync(client);

        // VERSION stands at offset 11, and ENCRYPTION at 17 says "not supported".
        await WritePacketAsync(client, [0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xFF, 16, 0, 0, 0, 0, 0, 2]);
        await ReadPacketAsync(client);
        Interlocked.Increment(ref _refused);
        byte[] message = Encoding.Unicode.GetBytes("Database 'finance' on server 'x' is not currently available. Please retry the connection later.");
        byte[] error = new byte[1 + 2 + 4 + 2 + 2 + message.Length + 1 + 1 + 4];
        error[0] = 0xAA;
        BinaryPrimitives.WriteUInt16LittleEndian(error.AsSpan(1), (ushort)(error.Length - 3));
        BinaryPrimitives.WriteInt32LittleEndian(error.AsSpan(3), NotAvailable);
        error[7] = 1;
        error[8] = 20;
        BinaryPrimitives.WriteUInt16LittleEndian(error.AsSpan(9), (ushort)(message.Length / 2));
        message.CopyTo(error, 11);
        await WritePacketAsync(client, [.. error, 0xFD, 2, 0, 0, 0, .. new byte[8]]);
        await ReadPacketAsync(client);
    }

    private static async Task ReadPacketAsync(NetworkStream stream)
    {
        byte[] header = new byte[8];
        do
        {
            await stream.ReadExactlyAsync(header);
            await stream.ReadExactlyAsync(new byte[BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(2)) - header.Length]);
        }
        while ((header[1] & 1) == 0);
    }

    private static async Task WritePacketAsync(NetworkStream stream, byte[] body)
    {
        byte[] packet = new byte[8 + body.Length];
        packet[0] = 4;
        packet[1] = 1;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)packet.Length);
        body.CopyTo(packet, 8);
        await stream.WriteAsync(packet);
    }
}
