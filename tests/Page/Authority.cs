using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Web;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace FinanceIngest.Page;

/// <summary>
/// A small OpenID Connect issuer on loopback, in which one person is signed in already: discovery, keys, authorization code with PKCE (RFC 7636), tokens. It
/// refuses what an issuer refuses: another client, another address to come back to, a code that was used, a verifier that is not the challenge's.
/// </summary>
internal sealed class Authority : IAsyncDisposable
{
    public const string Client = "11111111-2222-3333-4444-555555555555";
    private readonly HttpListener _listener = new();
    private readonly RSA _key = RSA.Create(2048);
    private readonly ConcurrentDictionary<string, (string Challenge, string Redirect)> _codes = new();
    private readonly ConcurrentQueue<string> _asked = new();
    private Task _work = Task.CompletedTask;

    public Authority()
    {
        using (var free = new TcpListener(IPAddress.Loopback, 0))
        {
            free.Start();
            Issuer = $"http://127.0.0.1:{((IPEndPoint)free.LocalEndpoint).Port}/tenant";
        }

        _listener.Prefixes.Add($"{Issuer}/");
    }

    public string Issuer { get; }

    /// <summary>Where somebody may come back to: the page's address.</summary>
    public string Redirect { get; set; } = "";

    /// <summary>The scopes of tokens.</summary>
    public string Scopes { get; set; } = "read";

    /// <summary>Whether the person says no.</summary>
    public bool IsRefusing { get; set; }

    /// <summary>Methods and addresses of requests.</summary>
    public IReadOnlyList<string> Asked => [.. _asked];

    public void Start()
    {
        _listener.Start();
        _work = WorkAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Close();
        await _work;
        _key.Dispose();
    }

    private async Task WorkAsync()
    {
        try
        {
            while (true)
            {
                HttpListenerContext context = await _listener.GetContextAsync();
                _asked.Enqueue($"{context.Request.HttpMethod} {context.Request.Url}");
                string path = context.Request.Url!.AbsolutePath["/tenant".Length..];
                (int status, object? body) = path switch
                {
                    "/.well-known/openid-configuration" => (200, Discovery()),
                    "/keys" => (200, Keys()),
                    "/authorize" => Authorize(context),
                    "/token" when context.Request.HttpMethod == "POST" => await TokenAsync(context),
                    _ => (404, null),
                };
                context.Response.StatusCode = status;
                context.Response.Headers["Access-Control-Allow-Origin"] = "*";
                if (body is not null)
                {
                    context.Response.ContentType = "application/json";
                    await context.Response.OutputStream.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(body));
                }

                context.Response.Close();
            }
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
        {
            // Closed.
        }
    }

    private Dictionary<string, object> Discovery() => new()
    {
        ["issuer"] = Issuer,
        ["authorization_endpoint"] = $"{Issuer}/authorize",
        ["token_endpoint"] = $"{Issuer}/token",
        ["jwks_uri"] = $"{Issuer}/keys",
    };

    private Dictionary<string, object> Keys()
    {
        RSAParameters key = _key.ExportParameters(includePrivateParameters: false);
        return new()
        {
            ["keys"] = new[]
            {
                new Dictionary<string, string>
                {
                    ["kty"] = "RSA", ["use"] = "sig", ["kid"] = "one",
                    ["n"] = Base64UrlEncoder.Encode(key.Modulus), ["e"] = Base64UrlEncoder.Encode(key.Exponent),
                },
            },
        };
    }

    private (int, object?) Authorize(HttpListenerContext context)
    {
        var asked = HttpUtility.ParseQueryString(context.Request.Url!.Query);
        bool isRight = asked["client_id"] == Client && asked["redirect_uri"] == Redirect && asked["response_type"] == "code"
            && asked["response_mode"] == "fragment" && asked["code_challenge_method"] == "S256" && asked["scope"] == "openid submit read manage admin"
            && asked["code_challenge"]!.Length == 43 && asked["state"]!.Length >= 32;
        if (!isRight)
        {
            return (400, new { error = "invalid_request" });
        }

        string code = Convert.ToHexString(RandomNumberGenerator.GetBytes(16));
        _codes[code] = (asked["code_challenge"]!, asked["redirect_uri"]!);
        string answer = IsRefusing ? "error=access_denied&error_description=The+person+said+no." : $"code={code}";
        context.Response.RedirectLocation = string.Create(CultureInfo.InvariantCulture, $"{Redirect}#{answer}&state={asked["state"]}");
        return (302, null);
    }

    private async Task<(int, object?)> TokenAsync(HttpListenerContext context)
    {
        using var reader = new StreamReader(context.Request.InputStream);
        var asked = HttpUtility.ParseQueryString(await reader.ReadToEndAsync());
        if (!_codes.TryRemove(asked["code"] ?? "", out (string Challenge, string Redirect) issued) || asked["grant_type"] != "authorization_code"
            || asked["client_id"] != Client || asked["redirect_uri"] != issued.Redirect || asked["client_secret"] is not null
            || Base64UrlEncoder.Encode(SHA256.HashData(Encoding.ASCII.GetBytes(asked["code_verifier"] ?? ""))) != issued.Challenge)
        {
            return (400, new { error = "invalid_grant" });
        }

        string token = new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor
        {
            Issuer = Issuer,
            Audience = Client,
            Claims = new Dictionary<string, object> { ["scp"] = Scopes, ["azp"] = Client },
            Expires = DateTime.UtcNow.AddHours(1),
            SigningCredentials = new SigningCredentials(new RsaSecurityKey(_key) { KeyId = "one" }, SecurityAlgorithms.RsaSha256),
        });
        return (200, new { access_token = token, token_type = "Bearer", expires_in = 3600 });
    }
}
