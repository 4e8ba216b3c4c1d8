using System.Net.Sockets;
using System.Text;
using FinanceIngest.Tests.Http.Harness;
using FinanceIngest.Tests.Support;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Http;

/// <summary>The server answers a request that breaks off, or that is not HTTP, with a 4xx or closes the connection. It logs no error and goes on.</summary>
[Needs(Outside.Program)]
public sealed class BrokenConnectionTests(OwnServer server) : IClassFixture<OwnServer>
{
    private const string Key = $"x-functions-key: {ServerFixture.Key}";
    private const string Post = $"POST /api/transactions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{Key}\r\n";

    [Theory]
    [InlineData("Transfer-Encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n-5\r\n{}\r\n0\r\n\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n5\r\n{}\r\n0\r\n\r\n")]
    public async Task Chunks_that_are_none_are_a_problem(string rest)
    {
        string answer = await SendAsync(Post + rest);
        Assert.StartsWith("HTTP/1.1 400", answer, StringComparison.Ordinal);
        Assert.Contains("urn:finance-ingest:problem:validation", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_that_comes_too_slowly_is_408()
    {
        string answer = await SendAsync(Post + "Content-Length: 500\r\n\r\n{");
        Assert.StartsWith("HTTP/1.1 408", answer, StringComparison.Ordinal);
        Assert.Contains("urn:finance-ingest:problem:too-slow", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\0\0\0\0\r\n\r\n")]
    [InlineData("GET\r\n\r\n")]
    [InlineData("GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n")]
    [InlineData("GET /healthz HTTP/1.1\r\n\r\n")]
    [InlineData("GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n")]
    [InlineData("GET /api/transactions/%00 HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("GET /healthz HTTP/1.1\r\nHost: x\r\nBad Header: 1\r\n\r\n")]
    [InlineData("POST /api/transactions HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n")]
    [InlineData("POST /api/transactions HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n")]
    public async Task What_is_no_HTTP_is_refused_by_the_web_server(string request) =>
        Assert.Matches("^HTTP/1.1 (4[0-9][0-9]|505)", await SendAsync(request));

    [Fact]
    public async Task Broken_bytes_in_a_header_are_400()
    {
        byte[] head = Encoding.ASCII.GetBytes("GET /api/results HTTP/1.1\r\nHost: x\r\nx-functions-key: ");

        Assert.StartsWith("HTTP/1.1 400", await SendAsync([.. head, 0xC3, 0x28, .. "\r\n\r\n"u8]), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Post + "Content-Length: 500\r\n\r\n{\"user_id\": 1")]
    [InlineData(Post + "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"use\r\n")]
    [InlineData("GET /api/transactions/ID?wait=30 HTTP/1.1\r\nHost: x\r\n" + Key + "\r\n\r\n")]
    [InlineData("GET /healthz HT")]
    public async Task A_client_that_hangs_up_is_no_error_of_the_servers(string request)
    {
        string pending = new IdCertifier(ServerFixture.SigningKey, TimeProvider.System).NewId().ToString("D");
        for (int i = 0; i < 20; i++)
        {
            using TcpClient client = await ConnectAsync();
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request.Replace("/ID", $"/{pending}", StringComparison.Ordinal)));
            if (i % 2 == 0)
            {
                // Every other connection ends with a reset instead of an orderly close.
                client.LingerState = new LingerOption(true, 0);
            }
        }

        (await server.Client.ScoreAsync(Requests.Transaction())).Is(200);
        server.AssertNoRequestFailed();
    }

    private Task<string> SendAsync(string request) => SendAsync(Encoding.ASCII.GetBytes(request));

    /// <summary>Sends the bytes and reads until the server closes the connection.</summary>
    private async Task<string> SendAsync(byte[] request)
    {
        using TcpClient client = await ConnectAsync();
        NetworkStream stream = client.GetStream();
        await stream.WriteAsync(request);
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync();
    }

    private async Task<TcpClient> ConnectAsync()
    {
        var client = new TcpClient();
        await client.ConnectAsync(server.Address.Host, server.Address.Port);
        return client;
    }
}
