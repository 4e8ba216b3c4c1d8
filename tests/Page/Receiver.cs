using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace FinanceIngest.Page;

/// <summary>Takes webhooks on loopback, and answers as a test wants.</summary>
internal sealed class Receiver : IAsyncDisposable
{
    private readonly HttpListener _listener = new();
    private readonly ConcurrentQueue<(string Id, JsonElement Body)> _received = new();
    private Task _work = Task.CompletedTask;

    public Receiver()
    {
        using (var free = new TcpListener(IPAddress.Loopback, 0))
        {
            free.Start();
            Address = new Uri($"http://127.0.0.1:{((IPEndPoint)free.LocalEndpoint).Port}/");
        }

        _listener.Prefixes.Add(Address.ToString());
    }

    public Uri Address { get; }

    /// <summary>What the next webhooks are answered.</summary>
    public HttpStatusCode Answer { get; set; } = HttpStatusCode.NoContent;

    /// <summary>Ids and bodies, the oldest first.</summary>
    public IReadOnlyList<(string Id, JsonElement Body)> Received => [.. _received];

    public void Start()
    {
        _listener.Start();
        _work = WorkAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Close();
        await _work;
    }

    private async Task WorkAsync()
    {
        try
        {
            while (true)
            {
                HttpListenerContext context = await _listener.GetContextAsync();
                using JsonDocument body = await JsonDocument.ParseAsync(context.Request.InputStream);
                _received.Enqueue((context.Request.Headers["webhook-id"]!, body.RootElement.Clone()));
                context.Response.StatusCode = (int)Answer;
                context.Response.Close();
            }
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
        {
            // Closed.
        }
    }
}
