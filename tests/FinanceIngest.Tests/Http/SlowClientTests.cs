using System.Globalization;
using System.Net.Sockets;
using System.Text;
using FinanceIngest.Tests.Http.Harness;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Http;

/// <summary>Clients that send half a request over real connections, to a server whose requests may hold 32 MiB together.</summary>
[Needs(Outside.Program)]
public sealed class SlowClientTests(SmallServer server) : IClassFixture<SmallServer>
{
    private const int Mebibyte = 1024 * 1024;
    private const string BatchHead =
        "POST /api/transactions/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        + $"x-functions-key: {ServerFixture.Key}\r\nContent-Length: 16777216\r\n\r\n";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Half_bodies_shed_batches_but_not_single_transactions_until_their_clients_are_gone()
    {
        List<TcpClient> slow = [];
        for (int i = 0; i < 2; i++)
        {
            slow.Add(await ConnectAsync(server.Address));
            await slow[i].GetStream().WriteAsync(Encoding.ASCII.GetBytes(BatchHead), Token);
            await slow[i].GetStream().WriteAsync(new byte[7 * Mebibyte], Token);
        }

        Answer refusal = null!;
        await Eventually.TrueAsync(
            async () =>
            {
                // The clients are slow, but fast enough that the server does not cut them off.
                foreach (TcpClient client in slow)
                {
                    await client.GetStream().WriteAsync(new byte[32 * 1024], Token);
                }

                return (refusal = await PostBlankAsync()).Status == 503;
            },
            Token);
        refusal.IsProblem(503, "overloaded");
        Assert.InRange(int.Parse(refusal.Header("Retry-After")!, CultureInfo.InvariantCulture), 1, 60);
        (await server.Client.SubmitAsync(Requests.Transaction())).Is(202);

        slow.ForEach(client => client.Dispose());
        await Eventually.TrueAsync(async () => (await PostBlankAsync()).Status == 400, Token);
        server.AssertNoRequestFailed();
    }

    [Fact]
    public async Task A_client_that_announces_much_and_sends_nothing_holds_nothing()
    {
        List<TcpClient> silent = [];
        for (int i = 0; i < 100; i++)
        {
            silent.Add(await ConnectAsync(server.Address));
            await silent[i].GetStream().WriteAsync(Encoding.ASCII.GetBytes(BatchHead), Token);
        }

        (await PostBlankAsync()).IsProblem(400, "validation");

        // The server tells each client that it was too slow, and ends the connection.
        foreach (TcpClient client in silent)
        {
            using var reader = new StreamReader(client.GetStream());
            Assert.StartsWith("HTTP/1.1 408", await reader.ReadToEndAsync(Token), StringComparison.Ordinal);
            client.Dispose();
        }
    }

    [Fact]
    public async Task Headers_that_never_end_are_408()
    {
        using TcpClient client = await ConnectAsync(server.Address);
        await client.GetStream().WriteAsync("GET /healthz HTTP/1.1\r\nHost: x\r\n"u8.ToArray(), Token);
        using var reader = new StreamReader(client.GetStream());
        Assert.StartsWith("HTTP/1.1 408", await reader.ReadToEndAsync(Token), StringComparison.Ordinal);
    }

    // The server needs room for all 9 MiB of this blank body before it can find it empty.
    private Task<Answer> PostBlankAsync() => server.Client.PostAsync("/api/transactions/batch", "[]".PadRight(9 * Mebibyte));

    internal static async Task<TcpClient> ConnectAsync(Uri address)
    {
        var client = new TcpClient();
        await client.ConnectAsync(address.Host, address.Port, Token);
        return client;
    }
}

/// <summary>Beyond the limit of ten connections the longest idle one makes room.</summary>
[Needs(Outside.Program)]
public sealed class ManyConnectionsTests : IAsyncLifetime
{
    // Each test has a server of its own, because connections that another test has closed keep their places for a moment.
    private readonly TenConnectionsServer _server = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => _server.InitializeAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task One_more_takes_the_place_of_the_longest_idle_one_and_of_no_other()
    {
        List<TcpClient> idle = [];
        for (int i = 0; i < 10; i++)
        {
            idle.Add(await SlowClientTests.ConnectAsync(_server.Address));
            Assert.StartsWith("HTTP/1.1 200", await AskAsync(idle[i]), StringComparison.Ordinal);
        }

        using TcpClient oneMore = await SlowClientTests.ConnectAsync(_server.Address);
        Assert.StartsWith("HTTP/1.1 200", await AskAsync(oneMore), StringComparison.Ordinal);

        // The first has been idle for longest: the server has closed it. The others are asked in an order in which none is the longest idle one.
        Assert.Equal("", await ReadAsync(idle[0]));
        for (int i = 1; i < 10; i++)
        {
            Assert.StartsWith("HTTP/1.1 200", await AskAsync(idle[i]), StringComparison.Ordinal);
        }

        idle.ForEach(client => client.Dispose());
    }

    [Fact]
    public async Task Silent_connections_keep_out_neither_probes_nor_callers()
    {
        List<TcpClient> silent = [];
        for (int i = 0; i < 40; i++)
        {
            silent.Add(await SlowClientTests.ConnectAsync(_server.Address));
            if (i % 2 == 1)
            {
                // This one has begun to send its headers, and stops there.
                await silent[i].GetStream().WriteAsync("GET /api/results HTTP/1.1\r\nHost"u8.ToArray(), Token);
            }
        }

        // For a second their requests could be on the way; then they make room.
        await Eventually.TrueAsync(async () => (await _server.Client.SubmitAsync(Requests.Transaction(), ("Connection", "close"))).Status == 202, Token);
        using var probes = new HttpClient();
        for (int i = 0; i < 20; i++)
        {
            using var probe = new HttpRequestMessage(HttpMethod.Get, new Uri(_server.Address, i % 2 == 0 ? "/healthz" : "/readyz"));
            probe.Headers.ConnectionClose = true;
            using HttpResponseMessage answer = await probes.SendAsync(probe, Token);
            Assert.Equal(200, (int)answer.StatusCode);
            (await _server.Client.SubmitAsync(Requests.Transaction(), ("Connection", "close"))).Is(202);
        }

        silent.ForEach(client => client.Dispose());
        _server.AssertNoRequestFailed();
    }

    [Fact]
    public async Task A_connection_that_sends_nothing_is_closed_soon()
    {
        using TcpClient client = await SlowClientTests.ConnectAsync(_server.Address);

        // The end of the stream comes from the server, as it would from Kestrel only after 130 s.
        Assert.Equal("", await ReadAsync(client));
    }

    [Fact]
    public async Task While_every_connection_has_a_request_in_hand_probes_alone_are_answered()
    {
        Answer pending = (await _server.Client.SubmitAsync(Requests.Transaction(), ("Connection", "close"))).Is(202);
        string wait = $"GET /api/transactions/{pending.Id}?wait=30 HTTP/1.1\r\nHost: x\r\nx-functions-key: {ServerFixture.Key}\r\n\r\n";
        List<TcpClient> waiting = [];
        string refusal = "";
        await Eventually.TrueAsync(
            async () =>
            {
                // One that comes while the submission above still has its place may be refused; another takes its turn.
                foreach (TcpClient refused in waiting.FindAll(client => client.Client.Poll(0, SelectMode.SelectRead)))
                {
                    refused.Dispose();
                    waiting.Remove(refused);
                }

                while (waiting.Count < 10)
                {
                    waiting.Add(await SlowClientTests.ConnectAsync(_server.Address));
                    await waiting[^1].GetStream().WriteAsync(Encoding.ASCII.GetBytes(wait), Token);
                }

                using TcpClient caller = await SlowClientTests.ConnectAsync(_server.Address);
                await caller.GetStream().WriteAsync("GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray(), Token);
                refusal = await ReadAsync(caller);
                return refusal.StartsWith("HTTP/1.1 503", StringComparison.Ordinal);
            },
            Token);
        Assert.Contains("Connection: close", refusal, StringComparison.Ordinal);
        Assert.Contains("Retry-After: 1", refusal, StringComparison.Ordinal);
        for (int i = 0; i < 20; i++)
        {
            using TcpClient probe = await SlowClientTests.ConnectAsync(_server.Address);
            Assert.StartsWith("HTTP/1.1 200", await AskAsync(probe), StringComparison.Ordinal);
        }

        // None of those with a request in hand lost its connection.
        Assert.All(waiting, client => Assert.False(client.Client.Poll(0, SelectMode.SelectRead)));
        waiting.ForEach(client => client.Dispose());
    }

    // Returns an empty text when the server closes the connection.
    private static async Task<string> AskAsync(TcpClient client)
    {
        try
        {
            await client.GetStream().WriteAsync("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray(), Token);
            return await ReadAsync(client);
        }
        catch (IOException)
        {
            return "";
        }
    }

    private static async Task<string> ReadAsync(TcpClient client)
    {
        try
        {
            byte[] buffer = new byte[4096];
            return Encoding.ASCII.GetString(buffer, 0, await client.GetStream().ReadAsync(buffer, Token));
        }
        catch (IOException)
        {
            return "";
        }
    }
}
