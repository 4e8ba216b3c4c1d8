using System.Text;
using System.Text.Json;
using FinanceIngest.Configuration;
using FinanceIngest.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Microsoft.IdentityModel.Tokens;

namespace FinanceIngest.Tests.Security;

/// <summary>Bearer tokens of an issuer whose keys are fetched over HTTP. The test controls the clock.</summary>
public sealed class BearerTokenTests : IAsyncLifetime
{
    private static readonly ApiKeySetting s_key = new("django", "the key of django", Scopes.All);

    private readonly OpenIdProvider _provider = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero));
    private Authenticator _authenticator = null!;

    private DateTimeOffset Now => _time.GetUtcNow();

    public async ValueTask InitializeAsync()
    {
        await _provider.InitializeAsync();
        _authenticator = Authenticator("");
    }

    public ValueTask DisposeAsync() => _provider.DisposeAsync();

    [Fact]
    public async Task A_good_token_names_its_client_and_what_it_allows()
    {
        Assert.Equal(new Caller("token:a client", Scopes.Submit | Scopes.Read, HasToken: true), await SendAsync(_provider.Token(Now)));
        Assert.Equal(Scopes.Admin, (await SendAsync(_provider.Token(Now, null, ("roles", "admin"), ("roles", "Read"), ("sub", "x")))).Scopes);
        Assert.Equal(Scopes.Read, (await SendAsync(_provider.Token(Now, null, ("scope", "openid read")))).Scopes);
        Assert.Equal(Scopes.Manage, (await SendAsync(_provider.Token(Now, null, ("scp", "manage managed")))).Scopes);
        Assert.Equal(Scopes.None, (await SendAsync(_provider.Token(Now, null, ("scp", "reader submit.all readsubmit"), ("roles", "read submit")))).Scopes);
        Assert.Equal("token:of an older kind", (await SendAsync(_provider.Token(Now, null, ("appid", "of an older kind"), ("sub", "x")))).Name);
        Assert.Equal("token:a person", (await SendAsync(_provider.Token(Now, null, ("sub", "a person")))).Name);
    }

    [Fact]
    public async Task A_prefix_stands_before_every_scope()
    {
        _authenticator = Authenticator("ingest.");
        Assert.Equal(Scopes.Read, (await SendAsync(_provider.Token(Now, null, ("scp", "ingest.read submit other.admin")))).Scopes);
    }

    [Fact]
    public async Task The_algorithms_of_the_list_are_taken()
    {
        foreach (string algorithm in new[] { SecurityAlgorithms.RsaSha256, SecurityAlgorithms.RsaSsaPssSha256 })
        {
            await SendAsync(_provider.Token(Now, token => token.SigningCredentials = new SigningCredentials(_provider.Key, algorithm)));
        }

        await SendAsync(_provider.Token(Now, token => token.SigningCredentials = new SigningCredentials(_provider.CurveKey, SecurityAlgorithms.EcdsaSha256)));
        await RefusedAsync(SignedBy(_provider.Key, SecurityAlgorithms.RsaSha512), "it is not signed with one of RS256, PS256, ES256");
    }

    [Fact]
    public async Task A_signature_of_another_key_under_a_known_name_is_401() => await RefusedAsync(
        SignedBy(OpenIdProvider.NewKey(_provider.Key.KeyId), SecurityAlgorithms.RsaSha256),
        "its signature is not valid");

    [Fact]
    public async Task A_changed_payload_or_signature_is_401()
    {
        string[] parts = _provider.Token(Now).Split('.');
        string payload = Base64UrlEncoder.Encode(Base64UrlEncoder.Decode(parts[1]).Replace("read submit", "read submit admin", StringComparison.Ordinal));
        await RefusedAsync($"{parts[0]}.{payload}.{parts[2]}", "its signature is not valid");
        await RefusedAsync($"{parts[0]}.{parts[1]}.{(parts[2][0] == 'A' ? 'B' : 'A')}{parts[2][1..]}", "its signature is not valid");
        await RefusedAsync($"{parts[0]}.{parts[1]}.", "its signature is not valid");
    }

    [Theory]
    [InlineData("none")]
    [InlineData("None")]
    [InlineData("nOnE")]
    [InlineData("")]
    [InlineData("rs256")]
    public async Task Unsigned_is_401(string algorithm)
    {
        string[] parts = _provider.Token(Now).Split('.');
        string header = Base64UrlEncoder.Encode(JsonSerializer.Serialize(new { alg = algorithm, typ = "JWT", kid = _provider.Key.KeyId }));
        await RefusedAsync($"{header}.{parts[1]}.", "it is not signed with one of RS256, PS256, ES256");
        await RefusedAsync($"{header}.{parts[1]}.{parts[2]}", "it is not signed with one of RS256, PS256, ES256");
    }

    [Fact]
    public async Task The_public_key_is_no_shared_secret()
    {
        byte[][] secrets =
        [
            _provider.Key.Rsa.ExportSubjectPublicKeyInfo(),
            Encoding.UTF8.GetBytes(_provider.Key.Rsa.ExportSubjectPublicKeyInfoPem()),
            _provider.Key.Rsa.ExportParameters(false).Modulus!,
        ];
        foreach (byte[] secret in secrets)
        {
            await RefusedAsync(
                SignedBy(new SymmetricSecurityKey(secret) { KeyId = _provider.Key.KeyId }, SecurityAlgorithms.HmacSha256),
                "it is not signed with one of RS256, PS256, ES256");
        }
    }

    [Fact]
    public async Task Time_is_checked_by_our_clock_with_a_minute_to_spare()
    {
        string token = _provider.Token(Now);
        _time.Advance(TimeSpan.FromMinutes(6) - TimeSpan.FromSeconds(1));
        await SendAsync(token);
        _time.Advance(TimeSpan.FromSeconds(1));
        await RefusedAsync(token, "it has expired");

        string early = _provider.Token(Now, unready => unready.NotBefore = Now.UtcDateTime.AddSeconds(61));
        await RefusedAsync(early, "it is not valid yet");
        _time.Advance(TimeSpan.FromSeconds(1));
        await SendAsync(early);

        await RefusedAsync(_provider.Token(Now, eternal => eternal.Expires = null), "it has no expiry time");
    }

    [Fact]
    public async Task Another_audience_or_issuer_is_401()
    {
        await RefusedAsync(_provider.Token(Now, token => token.Audience = "api://another"), "it was issued for another audience");
        await RefusedAsync(_provider.Token(Now, token => token.Audience = null), "it was issued for another audience");
        await RefusedAsync(_provider.Token(Now, token => token.Issuer = "https://login.example/tenant"), "it was issued by another issuer");
        await RefusedAsync(_provider.Token(Now, token => token.Issuer = null), "it was issued by another issuer");
    }

    [Theory]
    [InlineData("{0}/")]
    [InlineData("/{0}")]
    [InlineData("{0} ")]
    public async Task Another_spelling_of_the_audience_or_the_issuer_is_another(string form)
    {
        await RefusedAsync(_provider.Token(Now, token => token.Audience = Spelt(OpenIdProvider.Audience)), "it was issued for another audience");
        await RefusedAsync(_provider.Token(Now, token => token.Issuer = Spelt(_provider.Issuer)), "it was issued by another issuer");

        string Spelt(string name) => string.Format(System.Globalization.CultureInfo.InvariantCulture, form, name);
    }

    [Theory]
    [InlineData("logout+jwt", false)]
    [InlineData("application/logout+jwt", false)]
    [InlineData("secevent+jwt", false)]
    [InlineData("dpop+jwt", false)]
    [InlineData("id_token", false)]
    [InlineData("at+jwt", true)]
    [InlineData("AT+JWT", true)]
    [InlineData("application/at+jwt", true)]
    [InlineData("jwt", true)]
    public async Task A_token_of_another_type_is_401(string type, bool taken)
    {
        string token = _provider.Token(Now, change => change.TokenType = type);
        if (taken)
        {
            await SendAsync(token);
        }
        else
        {
            await RefusedAsync(token, "its type (typ) is not that of an access token");
            Assert.Equal(0, _provider.Requests);
        }
    }

    [Theory]
    [InlineData(1024)]
    [InlineData(2040)]
    public async Task A_signature_by_a_small_rsa_key_is_401(int bits)
    {
        // The library that signs refuses such a key, so the signature is made by hand.
        using var small = System.Security.Cryptography.RSA.Create(bits);
        _provider.Published.Add(new RsaSecurityKey(small) { KeyId = "small" });
        string header = Base64UrlEncoder.Encode("""{"alg":"RS256","typ":"JWT","kid":"small"}""");
        string text = $"{header}.{_provider.Token(Now).Split('.')[1]}";
        byte[] signature = small.SignData(
            Encoding.ASCII.GetBytes(text),
            System.Security.Cryptography.HashAlgorithmName.SHA256,
            System.Security.Cryptography.RSASignaturePadding.Pkcs1);
        await RefusedAsync($"{text}.{Base64UrlEncoder.Encode(signature)}", "it is signed with an RSA key of fewer than 2,048 bits");
    }

    [Theory]
    [InlineData("https://login.example/tenant")]
    [InlineData("{0}/another")]
    [InlineData("{0}?x")]
    [InlineData("nonsense")]
    [InlineData("{0}/", true)]
    public async Task A_configuration_of_another_issuer_than_the_authority_is_not_believed(string issuer, bool taken = false)
    {
        string named = string.Format(System.Globalization.CultureInfo.InvariantCulture, issuer, _provider.Issuer);
        _provider.NamedIssuer = named;
        string token = _provider.Token(Now, change => change.Issuer = named);
        if (taken)
        {
            await SendAsync(token);
        }
        else
        {
            Problem problem = await ProblemAsync(Request(token));
            Assert.Equal((503, "authority"), (problem.Status, problem.Kind));
        }
    }

    [Fact]
    public async Task A_new_key_is_fetched_and_the_old_one_is_good_no_more()
    {
        string old = _provider.Token(Now);
        await SendAsync(old);
        _provider.Rotate("second");
        _time.Advance(OpenIdAuthority.Pause);
        await SendAsync(_provider.Token(Now));
        await RefusedAsync(old, "it is signed with a key that its issuer does not have");
    }

    [Fact]
    public async Task Invented_keys_do_not_make_us_flood_the_issuer()
    {
        await SendAsync(_provider.Token(Now));
        Assert.Equal(2, _provider.Requests);
        for (int i = 0; i < 50; i++)
        {
            await RefusedAsync(Invented($"invented {i}"), "it is signed with a key that its issuer does not have");
        }

        Assert.Equal(2, _provider.Requests);
        _time.Advance(OpenIdAuthority.Pause);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => RefusedAsync(Invented($"again {i}"), "it is signed with a key that its issuer does not have")));
        Assert.Equal(4, _provider.Requests);
    }

    [Fact]
    public async Task What_can_never_be_valid_is_refused_without_asking_the_issuer()
    {
        await RefusedAsync("", "it is not a JWT");
        await RefusedAsync("x", "it is not a JWT");
        await RefusedAsync("a.b.c", "it is not a JWT");
        await RefusedAsync(new string('x', BearerTokens.MaximumLength + 1), $"it has more than {BearerTokens.MaximumLength} characters");
        await RefusedAsync(
            _provider.Token(Now, token => token.AdditionalHeaderClaims = new Dictionary<string, object> { ["crit"] = new[] { "b64" } }),
            "its header names extensions as critical, of which none is understood");
        await RefusedAsync(SignedBy(OpenIdProvider.NewKey(""), SecurityAlgorithms.RsaSha256), "its header does not name a key (kid)");
        Assert.Equal(0, _provider.Requests);
    }

    [Fact]
    public async Task A_key_that_a_token_brings_along_is_not_looked_at()
    {
        using var own = System.Security.Cryptography.RSA.Create(2048);
        var key = new RsaSecurityKey(own) { KeyId = _provider.Key.KeyId };
        JsonWebKey brought = JsonWebKeyConverter.ConvertFromRSASecurityKey(new RsaSecurityKey(own.ExportParameters(false)));
        await RefusedAsync(
            _provider.Token(Now, token =>
            {
                token.SigningCredentials = new SigningCredentials(key, SecurityAlgorithms.RsaSha256);
                token.AdditionalHeaderClaims = new Dictionary<string, object>
                {
                    ["jwk"] = new Dictionary<string, object> { ["kty"] = brought.Kty, ["n"] = brought.N, ["e"] = brought.E },
                    ["jku"] = $"{_provider.Issuer}/elsewhere",
                };
            }),
            "its signature is not valid");
        Assert.Equal(2, _provider.Requests);
    }

    [Fact]
    public async Task Two_tokens_are_none() => await RefusedAsync($"{_provider.Token(Now)}, Bearer {_provider.Token(Now)}", "it is not a JWT");

    [Fact]
    public async Task A_token_decides_alone_and_a_key_beside_it_is_not_looked_at()
    {
        (string, string)[] both = [("Authorization", $"Bearer {_provider.Token(Now, null, ("scp", "read"), ("azp", "c"))}"), ("x-functions-key", s_key.Secret)];
        Assert.Equal(Scopes.Read, (await _authenticator.AuthenticateAsync(new StubRequest(both), default)).Scopes);
        Problem problem = await ProblemAsync(new StubRequest(("Authorization", "Bearer x.y.z"), ("x-functions-key", s_key.Secret)));
        Assert.Equal((401, "token"), (problem.Status, problem.Kind));

        Caller byKey = await _authenticator.AuthenticateAsync(new StubRequest(("Authorization", "Basic eDp5"), ("?code", s_key.Secret)), default);
        Assert.Equal("django", byKey.Name);
        Assert.Equal("key", (await ProblemAsync(new StubRequest(("x-functions-key", "wrong")))).Kind);
    }

    [Fact]
    public async Task With_tokens_alone_nobody_gets_in_without_one()
    {
        _authenticator = Authenticator("", []);
        Problem problem = await ProblemAsync(new StubRequest());
        Assert.Equal((401, "key"), (problem.Status, problem.Kind));
        Assert.StartsWith("Bearer", Assert.Single(problem.Headers).Value, StringComparison.Ordinal);
        Assert.Equal(401, (await ProblemAsync(new StubRequest(("x-functions-key", "any"), ("?code", "any")))).Status);
        await SendAsync(_provider.Token(Now));
    }

    [Fact]
    public async Task While_the_issuer_is_down_a_token_is_503_and_a_key_works()
    {
        _provider.IsDown = true;
        Problem problem = await ProblemAsync(Request(_provider.Token(Now)));
        Assert.Equal((503, "authority"), (problem.Status, problem.Kind));
        Assert.Equal("Retry-After", Assert.Single(problem.Headers).Name);
        Assert.Equal("django", (await _authenticator.AuthenticateAsync(new StubRequest(("x-functions-key", s_key.Secret)), default)).Name);

        _provider.IsDown = false;
        Assert.Equal(503, (await ProblemAsync(Request(_provider.Token(Now)))).Status);
        _time.Advance(OpenIdAuthority.Pause);
        await SendAsync(_provider.Token(Now));
    }

    [Fact]
    public async Task Known_keys_outlive_an_outage_by_a_day_and_no_longer()
    {
        await SendAsync(_provider.Token(Now));
        _provider.IsDown = true;
        _time.Advance(OpenIdAuthority.BelievedFor - TimeSpan.FromSeconds(1));
        await SendAsync(_provider.Token(Now));
        Assert.Equal(503, (await ProblemAsync(Request(Invented("new, perhaps")))).Status);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(503, (await ProblemAsync(Request(_provider.Token(Now)))).Status);
    }

    [Fact]
    public async Task A_request_that_is_cancelled_does_not_cancel_the_question_for_the_others()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await _authenticator.AuthenticateAsync(Request(_provider.Token(Now)), cancelled.Token));
        await SendAsync(_provider.Token(Now));
    }

    private static StubRequest Request(string token) => new(("Authorization", $"Bearer {token}"));

    private Authenticator Authenticator(string prefix, ApiKeySetting[]? keys = null) => new(
        new ApiKeys(keys ?? [s_key]),
        new BearerTokens(
            new Settings { DataDirectory = "", Jwt = new JwtSettings(new Uri(_provider.Issuer), OpenIdProvider.Audience, prefix) },
            _time,
            NullLogger<BearerTokens>.Instance));

    private string SignedBy(SecurityKey key, string algorithm) =>
        _provider.Token(Now, token => token.SigningCredentials = new SigningCredentials(key, algorithm));

    private string Invented(string keyId) =>
        SignedBy(new RsaSecurityKey(_provider.Key.Rsa) { KeyId = keyId }, SecurityAlgorithms.RsaSha256);

    private async Task<Caller> SendAsync(string token) => await _authenticator.AuthenticateAsync(Request(token), TestContext.Current.CancellationToken);

    private async Task<Problem> ProblemAsync(ApiRequest request)
    {
        ProblemException exception = await Assert.ThrowsAsync<ProblemException>(
            async () => await _authenticator.AuthenticateAsync(request, TestContext.Current.CancellationToken));
        return exception.Problem;
    }

    private async Task RefusedAsync(string token, string reason)
    {
        Problem problem = await ProblemAsync(Request(token));
        Assert.Equal((401, "token", $"The token is not valid: {reason}."), (problem.Status, problem.Kind, problem.Detail));
        Assert.Equal(
            ("WWW-Authenticate", $"Bearer realm=\"finance-ingest\", error=\"invalid_token\", error_description=\"{reason}\""),
            Assert.Single(problem.Headers));
    }
}
