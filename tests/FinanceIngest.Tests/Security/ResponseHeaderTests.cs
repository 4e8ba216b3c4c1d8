using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FinanceIngest.Composition;
using FinanceIngest.Configuration;
using FinanceIngest.KestrelHead;
using FinanceIngest.Tests.Http.Harness;
using FinanceIngest.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Tests.Security;

/// <summary>The headers that every response carries, and the headers that none carries.</summary>
[Needs(Outside.Program)]
public sealed class ResponseHeaderTests(OwnServer server) : IClassFixture<OwnServer>
{
    [Fact]
    public async Task Every_answer_is_not_kept_not_guessed_at_and_not_framed()
    {
        Answer[] answers =
        [
            (await server.Client.GetAsync("/api/results?limit=1")).Is(200),
            (await server.Client.SubmitAsync(Requests.Transaction())).Is(202),
            (await server.Client.SubmitAsync("{}")).Is(400),
            (await server.Client.WithKey("wrong").GetAsync("/api/results")).Is(401),
            (await server.Client.PutAsync("/api/stats", "[]")).Is(403),
            (await server.Client.GetAsync("/nowhere")).Is(404),
            (await server.Client.SendAsync(HttpMethod.Delete, "/api/results")).Is(405),
            (await server.Client.GetAsync("/healthz")).Is(200),
            (await server.Client.GetAsync("/openapi.json")).Is(200),
        ];
        Assert.All(answers, answer =>
        {
            Assert.Equal("no-store", answer.Header("Cache-Control"));
            Assert.Equal("nosniff", answer.Header("X-Content-Type-Options"));
            Assert.Equal("DENY", answer.Header("X-Frame-Options"));
            Assert.Equal("no-referrer", answer.Header("Referrer-Policy"));
            Assert.Equal("same-origin", answer.Header("Cross-Origin-Resource-Policy"));
            Assert.Equal("default-src 'none'; frame-ancestors 'none'", answer.Header("Content-Security-Policy"));
            Assert.Null(answer.Header("Strict-Transport-Security"));
            Assert.Null(answer.Header("Server"));
        });
    }

    [Fact]
    public async Task The_page_has_a_policy_of_its_own_and_the_other_headers_once()
    {
        using var http = new HttpClient { BaseAddress = server.Address };
        using HttpResponseMessage page = await http.GetAsync("/", TestContext.Current.CancellationToken);
        string policy = Assert.Single(page.Headers.GetValues("Content-Security-Policy"));
        Assert.Contains("script-src 'self';", policy, StringComparison.Ordinal);
        Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
        Assert.StartsWith("default-src 'none'", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("http", policy, StringComparison.Ordinal);
        Assert.Equal("no-referrer", Assert.Single(page.Headers.GetValues("Referrer-Policy")));
        Assert.Equal("DENY", Assert.Single(page.Headers.GetValues("X-Frame-Options")));
    }

    [Fact]
    public async Task No_other_sites_page_is_let_in()
    {
        (string, string)[] foreign =
        [
            ("Origin", "https://attacker.example"),
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "content-type, x-functions-key"),
        ];
        Answer preflight = await server.Client.SendAsync(HttpMethod.Options, "/api/transactions", null, foreign);
        Answer read = await server.Client.GetAsync("/api/results", foreign);
        foreach (Answer answer in new[] { preflight, read })
        {
            foreach (string name in new[] { "Allow-Origin", "Allow-Methods", "Allow-Headers", "Allow-Credentials", "Allow-Private-Network" })
            {
                Assert.Null(answer.Header($"Access-Control-{name}"));
            }
        }

        (await server.Client.SendAsync(HttpMethod.Options, "/api/transactions", null, foreign)).IsProblem(405, "method");
    }

    [Fact]
    public async Task Https_is_asked_for_only_where_it_is_spoken_and_not_for_this_machine()
    {
        using var folder = new TemporaryFolder();
        using var key = RSA.Create(2048);
        using X509Certificate2 certificate = new CertificateRequest("CN=finance.example", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        var settings = new Settings { DataDirectory = folder.Path, Roles = Roles.Intake, ApiKeys = [new("a", "a secret of some length", Scopes.All)] };
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate)));
        builder.Services.AddFinanceIngest(settings).AddIntake(settings);
        await using WebApplication app = builder.Build();
        app.UseApi(settings);
        await app.StartAsync(TestContext.Current.CancellationToken);

        using var http = new HttpClient(new HttpClientHandler
        {
            ServerCertificateCustomValidationCallback = (_, given, _, _) => given?.Thumbprint == certificate.Thumbprint,
        });
        foreach ((string host, bool asked) in new[] { ("finance.example", true), ("localhost", false), ("127.0.0.1", false) })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(new Uri(app.Urls.First()), "/healthz")) { Headers = { Host = host } };
            using HttpResponseMessage response = await http.SendAsync(request, TestContext.Current.CancellationToken);
            bool isSent = response.Headers.TryGetValues("Strict-Transport-Security", out IEnumerable<string>? values);
            Assert.Equal(asked, isSent && values!.Single() == "max-age=31536000");
        }
    }
}
