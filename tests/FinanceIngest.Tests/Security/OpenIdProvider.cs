using System.Security.Claims;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace FinanceIngest.Tests.Security;

/// <summary>An issuer of tokens on loopback. It serves its OpenID configuration and its public keys, and signs valid and invalid tokens.</summary>
public sealed class OpenIdProvider : IAsyncLifetime
{
    public const string Audience = "api://finance-ingest";

    // Generating a key takes a tenth of a second, so every provider starts with the same one.
    private static readonly RSAParameters s_firstKey = RSA.Create(2048).ExportParameters(includePrivateParameters: true);
    private static readonly JsonWebTokenHandler s_handler = new() { SetDefaultTimesOnTokenCreation = false };
    private readonly WebApplication _app;
    private int _requests;

    public OpenIdProvider()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        _app = builder.Build();
        _app.Urls.Add("http://127.0.0.1:0");
        _app.MapGet(
            "/.well-known/openid-configuration",
            () => Answer(() => JsonSerializer.Serialize(new { issuer = NamedIssuer ?? Issuer, jwks_uri = $"{Issuer}/keys" })));
        _app.MapGet("/keys", () => Answer(() => JsonSerializer.Serialize(new { keys = Published.Select(Public) })));
    }

    /// <summary>The provider's address, which is also its name as an issuer.</summary>
    public string Issuer => _app.Urls.First();

    /// <summary>The issuer that the provider's configuration names; null for the provider itself.</summary>
    public string? NamedIssuer { get; set; }

    /// <summary>Whether the provider answers every request with 503.</summary>
    public bool IsDown { get; set; }

    /// <summary>How many requests for its configuration or its keys the provider has received.</summary>
    public int Requests => Volatile.Read(ref _requests);

    /// <summary>The key that signs new tokens.</summary>
    public RsaSecurityKey Key { get; private set; } = new(RSA.Create(s_firstKey)) { KeyId = "first" };

    /// <summary>The keys that the provider publishes.</summary>
    public List<SecurityKey> Published { get; private set; } = [];

    /// <summary>A second key, on the curve P-256, that the provider publishes until it rotates its keys.</summary>
    public ECDsaSecurityKey CurveKey { get; } = new(ECDsa.Create(ECCurve.NamedCurves.nistP256)) { KeyId = "curve" };

    public static RsaSecurityKey NewKey(string id) => new(RSA.Create(2048)) { KeyId = id };

    public async ValueTask InitializeAsync()
    {
        Published = [Key, CurveKey];
        await _app.StartAsync();
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    /// <summary>Replaces the signing key and withdraws every key published so far.</summary>
    public void Rotate(string id)
    {
        Key = NewKey(id);
        Published = [Key];
    }

    /// <summary>Makes a token that is valid at <paramref name="now"/>, apart from the changes that <paramref name="change"/> makes.</summary>
    public string Token(DateTimeOffset now, Action<SecurityTokenDescriptor>? change = null, params (string Type, string Value)[] claims)
    {
        (string Type, string Value)[] given = claims.Length > 0 ? claims : [("scp", "read submit"), ("azp", "a client")];
        var token = new SecurityTokenDescriptor
        {
            Issuer = Issuer,
            Audience = Audience,
            NotBefore = now.UtcDateTime.AddMinutes(-1),
            Expires = now.UtcDateTime.AddMinutes(5),
            Subject = new ClaimsIdentity(given.Select(claim => new Claim(claim.Type, claim.Value))),
            SigningCredentials = new SigningCredentials(Key, SecurityAlgorithms.RsaSha256),
        };
        change?.Invoke(token);
        return s_handler.CreateToken(token);
    }

    private static object Public(SecurityKey key)
    {
        if (key is ECDsaSecurityKey curve)
        {
            ECPoint point = curve.ECDsa.ExportParameters(includePrivateParameters: false).Q;
            return new { kty = "EC", use = "sig", kid = key.KeyId, crv = "P-256", x = Base64UrlEncoder.Encode(point.X), y = Base64UrlEncoder.Encode(point.Y) };
        }

        RSAParameters numbers = ((RsaSecurityKey)key).Rsa.ExportParameters(includePrivateParameters: false);
        return new { kty = "RSA", use = "sig", kid = key.KeyId, n = Base64UrlEncoder.Encode(numbers.Modulus), e = Base64UrlEncoder.Encode(numbers.Exponent) };
    }

    private IResult Answer(Func<string> json)
    {
        Interlocked.Increment(ref _requests);
        return IsDown ? TypedResults.StatusCode(503) : TypedResults.Text(json(), "application/json");
    }
}
