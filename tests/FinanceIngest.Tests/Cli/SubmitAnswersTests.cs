using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FinanceIngest.Cli.Submitting;

namespace FinanceIngest.Tests.Cli;

/// <summary>What <c>submit</c> makes of redirects, odd pauses, answers without end and certificates.</summary>
public sealed class SubmitAnswersTests : IDisposable
{
    private readonly CliHarness _cli = new();
    private readonly string _file;

    public SubmitAnswersTests() => _file = _cli.Write("a.csv", "user_id,category_id,amount,occurred_at\n1,1,1,2026-01-01T00:00:00Z\n");

    [Theory]
    [InlineData("4.5", 5)]
    [InlineData("41.001", 42)]
    [InlineData("42", 42)]
    [InlineData("0042", 42)]
    [InlineData("300.5", 300)]
    [InlineData("99999999999", 300)]
    [InlineData("Sat, 31 Jan 2026 12:00:42 GMT", 42)]
    [InlineData("Saturday, 31-Jan-26 12:00:42 GMT", 42)]
    [InlineData("Sat Jan 31 12:00:42 2026", 42)]
    [InlineData("Fri, 31 Dec 9999 23:59:59 GMT", 300)]
    public async Task A_request_is_never_repeated_before_the_pause_for_which_the_server_asks(string retryAfter, int seconds)
    {
        _cli.Api.Then(_ => Ask(retryAfter));

        CliResult result = await _cli.RunAsync("submit", _file);

        Assert.Equal(0, result.ExitCode);
        Assert.Equal(TimeSpan.FromSeconds(seconds), _cli.Api.Times[1] - _cli.Api.Times[0]);
    }

    [Theory]
    [InlineData("-4.5")]
    [InlineData("+4")]
    [InlineData("4,5")]
    [InlineData("4e2")]
    [InlineData("NaN")]
    [InlineData("soon")]
    [InlineData("4.5.6")]
    [InlineData(".")]
    [InlineData("0")]
    [InlineData("Sat, 31 Jan 2026 11:00:00 GMT")]
    public async Task A_pause_that_can_not_be_understood_or_is_over_is_none(string retryAfter)
    {
        _cli.Api.Then(_ => Ask(retryAfter));

        await _cli.RunAsync("submit", _file);

        Assert.InRange(_cli.Api.Times[1] - _cli.Api.Times[0], TimeSpan.FromSeconds(0.2), TimeSpan.FromSeconds(0.7));
    }

    [Fact]
    public async Task A_date_is_compared_with_the_servers_own_clock()
    {
        _cli.Api.Then(_ =>
        {
            HttpResponseMessage response = Ask("Thu, 01 Jan 2015 00:00:42 GMT");
            response.Headers.Date = new DateTimeOffset(2015, 1, 1, 0, 0, 0, TimeSpan.Zero);
            return response;
        });

        await _cli.RunAsync("submit", _file);

        Assert.Equal(TimeSpan.FromSeconds(42), _cli.Api.Times[1] - _cli.Api.Times[0]);
    }

    [Theory]
    [InlineData(HttpStatusCode.MovedPermanently)]
    [InlineData(HttpStatusCode.Found)]
    [InlineData(HttpStatusCode.TemporaryRedirect)]
    [InlineData(HttpStatusCode.PermanentRedirect)]
    public async Task A_redirect_is_not_followed_and_says_what_works(HttpStatusCode status)
    {
        _cli.Api.Then(_ =>
        {
            HttpResponseMessage response = FakeApi.Json(status, "");
            response.Headers.Location = new Uri("https://finance.example.org/api/transactions/batch");
            return response;
        });

        CliResult result = await _cli.RunAsync("submit", _file, "--url", "http://h", "--key", "S3CRET");

        Assert.Equal((1, 1), (result.ExitCode, _cli.Api.Batches.Count));
        Assert.Contains("The service has moved: give https://finance.example.org as --url.", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("S3CRET", result.Output + result.Error, StringComparison.Ordinal);
        Assert.Equal(0, (await _cli.RunAsync("submit", _file, "--url", "https://finance.example.org")).ExitCode);
    }

    [Fact]
    public async Task An_address_that_ends_in_a_route_works()
    {
        foreach (string end in new[] { "/api", "/api/transactions", "/api/score-transaction/" })
        {
            Assert.Equal(0, (await _cli.RunAsync("submit", _file, "--url", "http://h:7071" + end)).ExitCode);
        }

        Assert.Equal(2, (await _cli.RunAsync("submit", _file, "--url", "localhost:7071")).ExitCode);
    }

    [Fact]
    public async Task A_key_with_the_end_of_its_line_is_the_key()
    {
        _cli.Variables["FINANCE_INGEST_KEY"] = "s3cret\n";

        Assert.Equal(0, (await _cli.RunAsync("submit", _file)).ExitCode);
        Assert.Equal(["s3cret"], _cli.Api.Headers!.GetValues("x-functions-key"));
    }

    [Fact]
    public async Task An_answer_without_end_is_left_and_not_asked_for_again()
    {
        _cli.Api.Then(_ => new HttpResponseMessage(HttpStatusCode.Accepted) { Content = new StreamContent(new Endless()) });

        CliResult result = await _cli.RunAsync("submit", _file);

        Assert.Equal((1, 1), (result.ExitCode, _cli.Api.Batches.Count));
        Assert.Contains("answered with more than 16,777,216 bytes", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_certificate_that_is_not_trusted_is_named_and_not_asked_again()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Task<int> serving = ServeTlsAsync(listener);
        using var api = new ApiClient($"https://localhost:{((IPEndPoint)listener.LocalEndpoint).Port}", "S3CRET", network: null, TimeProvider.System);

        ApiAnswer answer = await api.PostAsync("api/transactions/batch", "{}"u8.ToArray(), "application/json", TestContext.Current.CancellationToken);
        listener.Stop();

        Assert.Equal((true, false), (answer.IsFinal, answer.IsTransient));
        Assert.Contains("has a certificate that is not trusted: ", answer.Describe(), StringComparison.Ordinal);
        Assert.Equal(1, await serving);
    }

    private static HttpResponseMessage Ask(string retryAfter)
    {
        HttpResponseMessage response = FakeApi.Json(HttpStatusCode.ServiceUnavailable, "{}");
        Assert.True(response.Headers.TryAddWithoutValidation("Retry-After", retryAfter));
        return response;
    }

    /// <summary>Offers a certificate that only itself has signed to each connection, and returns how many there were when the listener is stopped.</summary>
    private static async Task<int> ServeTlsAsync(TcpListener listener)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        using X509Certificate2 certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        int connections = 0;
        while (true)
        {
            try
            {
                using TcpClient connection = await listener.AcceptTcpClientAsync();
                connections++;
                await using var stream = new SslStream(connection.GetStream());
                await stream.AuthenticateAsServerAsync(certificate);
                await stream.ReadExactlyAsync(new byte[1]);
            }
            catch (Exception e) when (e is AuthenticationException or IOException)
            {
                // The client does not trust the certificate.
            }
            catch (Exception e) when (e is SocketException or InvalidOperationException)
            {
                return connections;
            }
        }
    }

    public void Dispose() => _cli.Dispose();

    /// <summary>A body without end.</summary>
    private sealed class Endless : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count)
        {
            Array.Fill(buffer, (byte)'[', offset, count);
            return count;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
