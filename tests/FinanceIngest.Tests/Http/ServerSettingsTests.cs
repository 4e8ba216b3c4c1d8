using System.Globalization;
using FinanceIngest.Tests.Http.Harness;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Http;

[Needs(Outside.Program)]
public sealed class RateLimitTests(RateLimitedServer server) : IClassFixture<RateLimitedServer>
{
    [Fact]
    public async Task A_keys_requests_are_limited_and_no_others()
    {
        for (int i = 0; i < 3; i++)
        {
            (await server.Client.SubmitAsync(Requests.Transaction())).Is(202);
        }

        Answer answer = (await server.Client.SubmitAsync(Requests.Transaction())).IsProblem(429, "rate-limit");
        Assert.InRange(int.Parse(answer.Header("Retry-After")!, CultureInfo.InvariantCulture), 1, 20);
        (await server.Client.GetAsync("/api/results")).IsProblem(429, "rate-limit");
        (await server.Admin.PutAsync("/api/stats", Requests.List(Requests.Stat(Requests.NewId())))).Is(200);
        (await server.Client.GetAsync("/healthz")).Is(200);
        (await server.Client.WithKey("wrong").GetAsync("/api/results")).IsProblem(401, "key");
    }
}

[Needs(Outside.Program)]
public sealed class IdRateLimitTests(RateLimitedServer server) : IClassFixture<RateLimitedServer>
{
    [Fact]
    public async Task A_request_for_many_ids_counts_as_many_requests()
    {
        string ids = string.Join(", ", Enumerable.Repeat("\"x\"", 201));
        (await server.Client.PostAsync("/api/transactions/status", $$"""{"ids": [{{ids}}]}""")).Is(200);

        (await server.Client.GetAsync("/api/results")).IsProblem(429, "rate-limit");
    }
}

[Needs(Outside.Program)]
public sealed class OpenServerTests(OpenServer server) : IClassFixture<OpenServer>
{
    private readonly ApiClient _nobody = server.Client.WithKey(null);

    [Fact]
    public async Task Without_keys_everything_is_open_and_the_log_warns()
    {
        Assert.Contains("No API keys are configured", server.Log, StringComparison.Ordinal);
        (await _nobody.SubmitAsync(Requests.Transaction())).Is(202);
        (await _nobody.GetAsync("/api/results")).Is(200);
        (await _nobody.PutAsync("/api/stats", Requests.List(Requests.Stat(Requests.NewId())))).Is(200);
        (await server.Client.WithKey("any").GetAsync("/api/results?code=other")).Is(200);
    }

    [Theory]
    [InlineData("localhost")]
    [InlineData("LOCALHOST:7071")]
    [InlineData("127.0.0.1")]
    [InlineData("127.1.2.3:80")]
    [InlineData("[::1]:7071")]
    public async Task A_name_of_this_machine_is_taken(string host) => (await _nobody.GetAsync("/api/results", ("Host", host))).Is(200);

    [Theory]
    [InlineData("attacker.example")]
    [InlineData("localhost.attacker.example")]
    [InlineData("127.0.0.1.attacker.example:7071")]
    [InlineData("10.0.0.1")]
    [InlineData("0.0.0.0")]
    [InlineData("[2001:db8::1]")]
    public async Task Another_name_is_refused_on_every_route(string host)
    {
        foreach (string path in new[] { "/api/results", "/api/anomalies", "/healthz", "/readyz", "/openapi.json" })
        {
            (await _nobody.GetAsync(path, ("Host", host))).IsProblem(400, "host");
        }

        (await _nobody.SubmitAsync(Requests.Transaction(), ("Host", host))).IsProblem(400, "host");
    }
}

/// <summary>An open server behind a proxy of its own machine would be open to everybody whom the proxy lets in.</summary>
[Needs(Outside.Program)]
public sealed class ForwardedRequestTests(OpenServer server) : IClassFixture<OpenServer>
{
    private readonly ApiClient _nobody = server.Client.WithKey(null);

    [Theory]
    [InlineData("X-Forwarded-For", "203.0.113.7")]
    [InlineData("x-forwarded-for", "127.0.0.1")]
    [InlineData("X-Forwarded-Host", "localhost")]
    [InlineData("X-Forwarded-Proto", "https")]
    [InlineData("X-Forwarded-Prefix", "/finance")]
    [InlineData("X-Forwarded-Anything", "x")]
    [InlineData("Forwarded", "for=203.0.113.7")]
    [InlineData("Via", "1.1 proxy")]
    [InlineData("X-Real-IP", "203.0.113.7")]
    [InlineData("CF-Connecting-IP", "203.0.113.7")]
    [InlineData("X-Forwarded-For", "")]
    public async Task What_a_proxy_has_forwarded_is_refused_on_every_route(string name, string value)
    {
        foreach (string path in new[] { "/api/results", "/api/anomalies", "/healthz", "/readyz", "/openapi.json" })
        {
            Answer answer = (await _nobody.GetAsync(path, (name, value), ("Host", "localhost"))).IsProblem(400, "forwarded");
            Assert.Contains("FinanceIngest__ApiKeys__NAME__Secret", answer.String("detail"), StringComparison.Ordinal);
        }

        (await _nobody.SubmitAsync(Requests.Transaction(), (name, value))).IsProblem(400, "forwarded");
        await Eventually.TrueAsync(() => server.Log.Contains("because a proxy forwarded it", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        Assert.Equal(1, server.Log.Split("because a proxy forwarded it").Length - 1);
    }

    [Fact]
    public async Task What_comes_straight_from_this_machine_is_answered() =>
        (await _nobody.GetAsync("/api/results", ("X-Request-Id", "1"), ("User-Agent", "x"), ("traceparent", "x"))).Is(200);
}

[Needs(Outside.Program)]
public sealed class NamedServerTests(OwnServer server) : IClassFixture<OwnServer>
{
    [Fact]
    public async Task With_keys_any_name_is_taken() => (await server.Client.GetAsync("/api/results", ("Host", "finance.example"))).Is(200);

    [Fact]
    public async Task With_keys_a_proxy_may_forward_requests() =>
        (await server.Client.GetAsync("/api/results", ("X-Forwarded-For", "203.0.113.7"), ("Via", "1.1 proxy"))).Is(200);

    // RFC 9110, section 8.6: digits alone. Whatever reads another length than the server sees another request behind this one.
    [Theory]
    [InlineData("+{0}")]
    [InlineData("-{0}")]
    [InlineData("{0}.0")]
    [InlineData("{0}, {0}")]
    [InlineData("{0}e0")]
    [InlineData("0x{0}")]
    [InlineData("00000000000000000000{0}")]
    [InlineData("{0}\t+")]
    [InlineData("")]
    public async Task A_length_that_is_not_digits_alone_is_400(string form)
    {
        string transaction = Requests.Transaction();
        string length = string.Format(CultureInfo.InvariantCulture, form, transaction.Length);
        Assert.Equal(400, (await RawRequest.PostAsync(server.Client, "/api/transactions", transaction, $"Content-Length: {length}")).Status);
    }

    [Fact]
    public async Task Two_lengths_are_400() => Assert.Equal(
        400, (await RawRequest.PostAsync(server.Client, "/api/transactions", "{}", "Content-Length: 2", "Content-Length: 2")).Status);

    [Fact]
    public async Task White_space_around_a_length_is_none_of_it()
    {
        string transaction = Requests.Transaction();
        Assert.Equal(202, (await RawRequest.PostAsync(server.Client, "/api/transactions", transaction, $"Content-Length: \t {transaction.Length} ")).Status);
    }
}

[Needs(Outside.Program)]
public sealed class QueueOutageTests(BrokenStorageServer server) : IClassFixture<BrokenStorageServer>
{
    [Fact]
    public async Task Nothing_is_pretended_to_be_accepted()
    {
        foreach (string path in new[] { "/api/transactions", "/api/score-transaction", "/api/transactions/batch" })
        {
            string body = path.EndsWith("/batch", StringComparison.Ordinal) ? Requests.List(Requests.Transaction(), "{}") : Requests.Transaction();
            Answer answer = (await server.Client.PostAsync(path, body, ("Prefer", "wait=30"))).IsProblem(503, "queue");
            Assert.NotNull(answer.Header("Retry-After"));
        }

        (await server.Client.SubmitAsync("{}")).IsProblem(400, "validation");
    }

    [Fact]
    public async Task It_is_alive_and_not_ready()
    {
        (await server.Client.GetAsync("/healthz")).Is(200);
        Answer answer = (await server.Client.GetAsync("/readyz")).Is(503);
        Assert.Equal("unready", answer.String("status"));
        Assert.Equal("degraded", answer.Json.GetProperty("dependencies").GetProperty("inbound_queue").GetString());
    }
}

[Needs(Outside.Program)]
public sealed class DatabaseOutageTests(BrokenDatabaseServer server) : IClassFixture<BrokenDatabaseServer>
{
    [Fact]
    public async Task Intake_goes_on()
    {
        (await server.Client.SubmitAsync(Requests.Transaction(), ("Prefer", "wait=1"))).Is(202);
        (await server.Client.PostAsync("/api/transactions/batch", Requests.List(Requests.Transaction()))).Is(202);
    }

    [Fact]
    public async Task An_id_that_was_never_issued_is_answered_without_the_database()
    {
        string invented = Guid.NewGuid().ToString("D");
        (await server.Client.GetAsync($"/api/transactions/{invented}?wait=30")).IsProblem(404, "not-found");
        Answer many = (await server.Client.PostAsync("/api/transactions/status", $$"""{"ids": ["{{invented}}", "x"]}""")).Is(200);
        Assert.Equal($$"""{"results":[{"id":"{{invented}}","status":"unknown"},{"id":"x","status":"unknown"}]}""", many.Text);
    }

    [Fact]
    public async Task Reading_is_503_and_says_when_to_try_again()
    {
        string id = (await server.Client.SubmitAsync(Requests.Transaction())).Id;
        Answer[] answers =
        [
            await server.Client.GetAsync($"/api/transactions/{id}"),
            await server.Client.PostAsync("/api/transactions/status", $$"""{"ids": ["{{id}}"]}"""),
            await server.Client.GetAsync("/api/results"),
            await server.Client.GetAsync("/api/anomalies"),
            await server.Admin.PutAsync("/api/stats", Requests.List(Requests.Stat(Requests.NewId()))),
        ];
        Assert.All(answers, answer => Assert.NotNull(answer.IsProblem(503, "database").Header("Retry-After")));
        Answer ready = (await server.Client.GetAsync("/readyz")).Is(200);
        Assert.Equal("degraded", ready.Json.GetProperty("dependencies").GetProperty("database").GetString());
    }
}
