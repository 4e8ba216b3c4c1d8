using FinanceIngest.Configuration;
using FinanceIngest.KestrelHead;
using FinanceIngest.Tests.Http.Harness;
using FinanceIngest.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;

namespace FinanceIngest.Tests.Security;

/// <summary>Bearer tokens sent to the real server, whose responses are checked against the API's description.</summary>
[Needs(Outside.Program)]
public sealed class BearerServerTests(TokenServer server) : IClassFixture<TokenServer>
{
    private readonly ApiClient _nobody = server.Client.WithKey(null);

    [Fact]
    public async Task A_token_submits_and_reads_and_may_do_no_more()
    {
        (string, string) token = Bearer(("scp", "submit read"), ("azp", Requests.NewKey()));
        (await _nobody.SubmitAsync(Requests.Transaction(), token)).Is(202);
        (await _nobody.GetAsync("/api/results?limit=1", token)).Is(200);
        Answer answer = (await _nobody.SendAsync(HttpMethod.Put, "/api/stats", ApiClient.Content("[]"), token)).IsProblem(403, "scope");
        Assert.Equal("Bearer realm=\"finance-ingest\", error=\"insufficient_scope\", scope=\"admin\"", answer.Header("WWW-Authenticate"));
        (await _nobody.SubmitAsync(Requests.Transaction(), Bearer(("scp", "openid"), ("azp", Requests.NewKey())))).IsProblem(403, "scope");
    }

    [Fact]
    public async Task A_token_that_is_none_is_401_on_every_keyed_route_and_does_not_matter_on_the_open_ones()
    {
        foreach ((string method, string path) in Http.KeyTests.KeyedRoutes.Select(row => row.Data))
        {
            HttpContent? body = method == "GET" ? null : ApiClient.Content("{}");
            Answer answer = await _nobody.SendAsync(new HttpMethod(method), path, body, ("Authorization", "Bearer a.b.c"));
            Assert.Contains("error=\"invalid_token\"", answer.IsProblem(401, "token").Header("WWW-Authenticate"), StringComparison.Ordinal);
        }

        (await _nobody.GetAsync("/healthz", ("Authorization", "Bearer a.b.c"))).Is(200);
        Answer nothing = (await _nobody.GetAsync("/api/results")).IsProblem(401, "key");
        Assert.Contains("Bearer", nothing.Header("WWW-Authenticate"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Each_client_of_a_token_has_a_rate_limit_of_its_own()
    {
        (string, string) one = Bearer(("roles", "read"), ("azp", Requests.NewKey()));
        for (int i = 0; i < 5; i++)
        {
            (await _nobody.GetAsync("/api/results?limit=1", one)).Is(200);
        }

        (await _nobody.GetAsync("/api/results?limit=1", one)).IsProblem(429, "rate-limit");
        (await _nobody.GetAsync("/api/results?limit=1", Bearer(("roles", "read"), ("azp", Requests.NewKey())))).Is(200);
    }

    [Fact]
    public async Task A_token_too_long_for_the_server_is_refused_by_it()
    {
        (await _nobody.GetAsync("/api/results", ("Authorization", $"Bearer {new string('x', 20_000)}"))).IsProblem(401, "token");
        using var http = new HttpClient { BaseAddress = server.Address };
        http.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", $"Bearer {new string('x', 60_000)}");
        Assert.Equal(431, (int)(await http.GetAsync("/api/results", TestContext.Current.CancellationToken)).StatusCode);
    }

    [Fact]
    public void With_tokens_and_no_keys_other_addresses_than_loopback_are_allowed()
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        builder.Configuration.AddInMemoryCollection([new("urls", "http://0.0.0.0:0")]);
        var settings = new Settings { DataDirectory = "", Roles = Roles.Intake };
        Assert.Throws<SettingsException>(() => ListenAddresses.Configure(builder, settings, 7071));
        ListenAddresses.Configure(builder, settings with { Jwt = new JwtSettings(new Uri("https://login.example/t"), "a", "") }, 7071);
    }

    [Theory]
    [InlineData("Audience", "https://login.example/t", null, null)]
    [InlineData("Authority", null, "a", null)]
    [InlineData("Authority", null, null, "p")]
    [InlineData("Authority", "http://login.example/t", "a", null)]
    [InlineData("Authority", "ftp://login.example/t", "a", null)]
    [InlineData("Authority", "login.example", "a", null)]
    [InlineData("Authority", "https://user:password@login.example/t", "a", null)]
    [InlineData("Authority", "https://login.microsoftonline.com/common/v2.0", "a", null)]
    [InlineData("Authority", "https://login.microsoftonline.us/organizations/v2.0/", "a", null)]
    [InlineData("ScopePrefix", "https://login.example/t", "a", "a b")]
    public void A_wrong_setting_is_named(string setting, string? authority, string? audience, string? prefix)
    {
        var e = Assert.Throws<SettingsException>(() => Read(authority, audience, prefix));
        Assert.StartsWith($"FinanceIngest__Jwt__{setting}: ", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("password", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Right_settings_are_read()
    {
        Assert.Null(Read(null, null, null));
        Assert.Equal(new JwtSettings(new Uri("https://login.example/t"), "a", ""), Read("https://login.example/t/", "a", null));
        Assert.Equal(new JwtSettings(new Uri("http://127.0.0.1:5"), "a", "x."), Read("http://127.0.0.1:5", "a", "x."));
    }

    private static JwtSettings? Read(string? authority, string? audience, string? prefix) => SettingsReader.Read(
        new ConfigurationBuilder().AddInMemoryCollection(
            [new("FinanceIngest:Jwt:Authority", authority), new("FinanceIngest:Jwt:Audience", audience), new("FinanceIngest:Jwt:ScopePrefix", prefix)]).Build(),
        ProgramKind.IngestServer).Jwt;

    private (string, string) Bearer(params (string, string)[] claims) =>
        ("Authorization", $"Bearer {server.Provider.Token(DateTimeOffset.UtcNow, null, claims)}");
}

/// <summary>A server without keys that accepts one provider's tokens and allows each client five requests per minute.</summary>
public sealed class TokenServer : IAsyncLifetime
{
    private Inner? _server;

    public OpenIdProvider Provider { get; } = new();

    public ApiClient Client => _server!.Client;

    public Uri Address => _server!.Address;

    public async ValueTask InitializeAsync()
    {
        await Provider.InitializeAsync();
        _server = new Inner(
            ("FinanceIngest__Jwt__Authority", Provider.Issuer),
            ("FinanceIngest__Jwt__Audience", OpenIdProvider.Audience),
            ("FinanceIngest__RateLimit__PerMinute", "5"));
        await _server.InitializeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _server!.DisposeAsync();
        await Provider.DisposeAsync();
    }

    private sealed class Inner(params IEnumerable<(string Name, string Value)> settings) : ServerFixture(settings);
}
