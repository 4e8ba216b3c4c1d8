using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.Data.SqlClient;

namespace FinanceIngest.Chaos.Faults;

/// <summary>A proxy to SQL Server that can be cut: its connections end, and new connections are refused.</summary>
internal sealed class TcpProxy(string host, int port) : IDisposable
{
    private const int SqlServerPort = 1433;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly List<TcpClient> _open = [];
    private volatile bool _isDown;

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Makes a proxy to the server that a connection string names.</summary>
    public static TcpProxy To(string connectionString)
    {
        string[] source = new SqlConnectionStringBuilder(connectionString).DataSource.Replace("tcp:", "", StringComparison.OrdinalIgnoreCase).Split(',');
        return new TcpProxy(source[0], source.Length > 1 ? int.Parse(source[1], CultureInfo.InvariantCulture) : SqlServerPort);
    }

    public void Start()
    {
        _listener.Start();
        _ = AcceptAsync();
    }

    /// <summary>Cuts all connections until the result is disposed.</summary>
    public IAsyncDisposable TakeDown()
    {
        _isDown = true;
        Cut();
        return new Outage(() => _isDown = false);
    }

    public void Dispose()
    {
        _listener.Dispose();
        Cut();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = PassAsync(await _listener.AcceptTcpClientAsync());
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The proxy was disposed.
        }
    }

    private async Task PassAsync(TcpClient near)
    {
        using TcpClient client = near;
        using var far = new TcpClient();
        if (_isDown)
        {
            return;
        }

        try
        {
            await far.ConnectAsync(host, port);
            lock (_open)
            {
                _open.Add(client);
                _open.Add(far);
            }

            await Task.WhenAny(client.GetStream().CopyToAsync(far.GetStream()), far.GetStream().CopyToAsync(client.GetStream()));
        }
        catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The connection was cut.
        }
    }

    private void Cut()
    {
        lock (_open)
        {
            _open.ForEach(client => client.Dispose());
            _open.Clear();
        }
    }
}
