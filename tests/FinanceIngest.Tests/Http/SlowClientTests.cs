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

/// <summary>A client beyond the limit of ten connections is closed, and connections become free again.</summary>
[Needs(Outside.Program)]
public sealed class ManyConnectionsTests(TenConnectionsServer server) : IClassFixture<TenConnectionsServer>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task One_more_is_closed_and_when_others_end_there_is_room_again()
    {
        List<TcpClient> idle = [];
        for (int i = 0; i < 10; i++)
        {
            idle.Add(await SlowClientTests.ConnectAsync(server.Address));
            Assert.StartsWith("HTTP/1.1 200", await AskAsync(idle[i]), StringComparison.Ordinal);
        }

        using (TcpClient oneMore = await SlowClientTests.ConnectAsync(server.Address))
        {
            Assert.Equal("", await AskAsync(oneMore));
        }

        idle.ForEach(client => client.Dispose());
        await Eventually.TrueAsync(
            async () =>
            {
                using TcpClient client = await SlowClientTests.ConnectAsync(server.Address);
                return (await AskAsync(client)).StartsWith("HTTP/1.1 200", StringComparison.Ordinal);
            },
            Token);
    }

    // Returns an empty text when the server closes the connection.
    private static async Task<string> AskAsync(TcpClient client)
    {
        try
        {
            await client.GetStream().WriteAsync("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray(), Token);
            byte[] buffer = new byte[4096];
            return Encoding.ASCII.GetString(buffer, 0, await client.GetStream().ReadAsync(buffer, Token));
        }
        catch (IOException)
        {
            return "";
        }
    }
}
