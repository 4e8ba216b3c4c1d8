using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Notifications;
using FinanceIngest.Notifications.Channels;
using FinanceIngest.Notifications.Destinations;
using FinanceIngest.Transactions;
using Microsoft.Extensions.Time.Testing;

namespace FinanceIngest.Tests.Notifications;

/// <summary>An address that a user supplied is asked only where it is on the public internet, and what it answers moves nothing.</summary>
public sealed class GuardTests : IDisposable
{
    private static readonly IPAddress s_public = IPAddress.Parse("93.184.216.34");
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero));
    private readonly VapidKeys _vapid = VapidKeys.Make();
    private readonly ECDiffieHellman _browser = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
    private readonly byte[] _auth = RandomNumberGenerator.GetBytes(16);

    public void Dispose() => _browser.Dispose();

    [Theory]
    [InlineData("93.184.216.34", true)]
    [InlineData("2606:2800:220:1:248:1893:25c8:1946", true)]
    [InlineData("0.0.0.0", false)]
    [InlineData("10.1.2.3", false)]
    [InlineData("100.64.0.1", false)]
    [InlineData("127.0.0.1", false)]
    [InlineData("127.255.255.254", false)]
    [InlineData("169.254.169.254", false)]
    [InlineData("168.63.129.16", false)]
    [InlineData("172.16.0.1", false)]
    [InlineData("172.31.255.255", false)]
    [InlineData("172.32.0.1", true)]
    [InlineData("192.168.1.1", false)]
    [InlineData("198.18.0.1", false)]
    [InlineData("224.0.0.1", false)]
    [InlineData("255.255.255.255", false)]
    [InlineData("::", false)]
    [InlineData("::1", false)]
    [InlineData("::ffff:127.0.0.1", false)]
    [InlineData("::ffff:93.184.216.34", false)]
    [InlineData("::ffff:10.0.0.1", false)]
    [InlineData("::ffff:192.168.1.1", false)]
    [InlineData("::127.0.0.1", false)]
    [InlineData("64:ff9b::7f00:1", false)]
    [InlineData("64:ff9b::a9fe:a9fe", false)]
    [InlineData("2002:7f00:1::", false)]
    [InlineData("2001:0:7f00:1::", false)]
    [InlineData("2001:db8::1", false)]
    [InlineData("fe80::1", false)]
    [InlineData("fe80::1%1", false)]
    [InlineData("fc00::1", false)]
    [InlineData("fd00:ec2::254", false)]
    [InlineData("ff02::1", false)]
    public void Only_public_addresses_are_connected_to(string address, bool isPublic) =>
        Assert.Equal(isPublic, AddressGuard.IsPublic(IPAddress.Parse(address)));

    [Theory]
    [InlineData("https://push.example.net/send/1?x=1", true)]
    [InlineData("https://push.example.net:443/", true)]
    [InlineData("https://93.184.216.34/", true)]
    [InlineData("http://push.example.net/", false)]
    [InlineData("https://push.example.net:8443/", false)]
    [InlineData("https://user@push.example.net/", false)]
    [InlineData("https://localhost/", false)]
    [InlineData("https://metadata/", false)]
    [InlineData("https://127.0.0.1/", false)]
    [InlineData("https://2130706433/", false)]
    [InlineData("https://0x7f.1/", false)]
    [InlineData("https://017700000001/", false)]
    [InlineData("https://[::1]/", false)]
    [InlineData("https://[::ffff:169.254.169.254]/", false)]
    [InlineData("https://169.254.169.254/latest/meta-data", false)]
    [InlineData("ftp://push.example.net/", false)]
    [InlineData("//push.example.net/", false)]
    [InlineData("push.example.net", false)]
    public void Only_https_on_443_is_taken_as_an_address(string url, bool isAllowed) => Assert.Equal(isAllowed, AddressGuard.IsAllowed(url));

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("169.254.169.254")]
    [InlineData("::ffff:10.0.0.1")]
    [InlineData("93.184.216.34,10.0.0.1")]
    [InlineData("")]
    public async Task A_name_that_leads_inside_is_not_connected_to(string addresses)
    {
        int connections = 0;
        using var http = new ChannelHttp(_time, new GuardedConnector(
            (_, _) => Task.FromResult(addresses.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(IPAddress.Parse).ToArray()),
            (_, _, _) =>
            {
                connections++;
                throw new SocketException((int)SocketError.ConnectionRefused);
            }));

        SendOutcome outcome = await PushAsync(http);

        Assert.Equal(0, connections);
        Assert.Equal((SendResult.Failed, "The address is not on the public internet, or not on port 443."), (outcome.Result, outcome.Problem));
    }

    [Fact]
    public async Task A_name_server_that_answers_otherwise_the_next_time_changes_nothing()
    {
        // Public for the look and private for the connection, as an attacker's name server answers whoever looks twice.
        var answers = new Queue<IPAddress>([s_public, IPAddress.Loopback, IPAddress.Loopback]);
        var asked = new List<IPAddress>();
        using var http = new ChannelHttp(_time, new GuardedConnector(
            (_, _) => Task.FromResult(new[] { answers.Dequeue() }),
            (address, port, _) =>
            {
                asked.Add(address);
                Assert.Equal(443, port);
                throw new SocketException((int)SocketError.ConnectionRefused);
            }));

        Assert.Equal("The connection failed: ConnectionRefused.", (await PushAsync(http)).Problem);
        Assert.Equal("The address is not on the public internet, or not on port 443.", (await PushAsync(http)).Problem);

        Assert.Equal([s_public], asked);
    }

    [Theory]
    [InlineData("HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest\r\nContent-Length: 0\r\n\r\n", "Failed")]
    [InlineData("HTTP/1.1 307 Temporary Redirect\r\nLocation: https://127.0.0.1/\r\nContent-Length: 0\r\n\r\n", "Failed")]
    [InlineData("HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", "Gone")]
    [InlineData("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "Gone")]
    [InlineData("HTTP/1.1 500 Error\r\nContent-Length: 0\r\n\r\n", "Failed")]
    [InlineData("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", "Delivered")]
    public async Task No_redirect_is_followed_and_an_address_that_is_no_more_is_told(string answer, string expected)
    {
        await using var service = new PushService { Answer = Encoding.ASCII.GetBytes(answer) };
        using ChannelHttp http = service.Client(_time);

        SendOutcome outcome = await PushAsync(http);

        Assert.Equal(expected, outcome.Result.ToString());
        Assert.Equal(1, service.Connections);
    }

    [Fact]
    public async Task Of_an_endless_answer_only_a_part_is_read()
    {
        await using var service = new PushService
        {
            Answer = [.. "HTTP/1.1 500 Error\r\nContent-Length: 100000000\r\n\r\n"u8, .. new byte[BoundedAnswers.Most]],
            StaysOpen = true,
        };
        using ChannelHttp http = service.Client(_time);

        Assert.Equal("The push service answered 500.", (await PushAsync(http)).Problem);
    }

    [Fact]
    public async Task A_push_is_signed_and_only_the_browser_can_read_it()
    {
        await using var service = new PushService { Answer = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"u8.ToArray() };
        using ChannelHttp http = service.Client(_time);

        SendOutcome outcome = await PushAsync(http);

        Assert.Equal(SendResult.Delivered, outcome.Result);
        Assert.Contains("POST /send/1 HTTP/1.1", service.Head, StringComparison.Ordinal);
        Assert.Contains($"k={_vapid.PublicKey}", service.Head, StringComparison.Ordinal);
        Assert.Contains("Content-Encoding: aes128gcm", service.Head, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("traceparent", service.Head, StringComparison.OrdinalIgnoreCase);
        JsonElement payload = JsonDocument.Parse(Decrypt(service.Body)).RootElement;
        Assert.Equal("Anomaly Detected in Finance Tracker", payload.GetProperty("title").GetString());
        Assert.Contains("6,000", payload.GetProperty("body").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_users_address_is_validated_field_by_field_and_masked()
    {
        using JsonDocument bad = JsonDocument.Parse(
            """{"type":"webpush","endpoint":"https://127.0.0.1/x","keys":{"p256dh":"AA"},"quiet_hours":{"from":"22:00"},"minimum_surprise":0}""");
        var errors = new ValidationErrors();
        Assert.Null(DestinationFields.Read(bad.RootElement, Guid.NewGuid(), 399, _time.UtcNowMicroseconds(), errors));
        Assert.Equal(["endpoint", "keys.auth", "keys.p256dh", "minimum_surprise", "quiet_hours"], errors.Messages.Keys.Order(StringComparer.Ordinal));

        string[] none = ["a@b", "a@b.example, c@d.example", "A <a@b.example>", "a@b.example\\r\\nBcc: x@y.example", "@b.example", "a b@c.example", "x"];
        foreach (string address in none)
        {
            using JsonDocument mail = JsonDocument.Parse($$"""{"type":"smtp","address":"{{address}}"}""");
            errors = new ValidationErrors();
            Assert.Null(DestinationFields.Read(mail.RootElement, Guid.NewGuid(), 399, _time.UtcNowMicroseconds(), errors));
            Assert.Equal(["address"], errors.Messages.Keys);
        }

        NotificationDestination push = Destination();
        Assert.Equal(push, DestinationFields.FromJson(DestinationFields.ToJson(push), push.Id, push.UserId, push.CreatedAt));
        Assert.Equal("https://push.example.net", DestinationFields.Mask(push));
        Assert.Equal("s•••@home.example", DestinationFields.Mask(push with { Push = null, Mail = "someone@home.example" }));
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            DestinationFields.WriteMasked(json, push);
            json.WriteEndObject();
        }

        string masked = Encoding.UTF8.GetString(stream.ToArray());
        Assert.DoesNotContain(push.Push!.Auth, masked, StringComparison.Ordinal);
        Assert.DoesNotContain("send/1", masked, StringComparison.Ordinal);
    }

    private NotificationDestination Destination() => new(Guid.NewGuid(), 399, ChannelType.WebPush, _time.UtcNowMicroseconds())
    {
        Push = new PushTarget("https://push.example.net/send/1", Base64Url.Encode(PointOf(_browser)), Base64Url.Encode(_auth)),
    };

    private static byte[] PointOf(ECDiffieHellman key)
    {
        ECParameters parameters = key.ExportParameters(includePrivateParameters: false);
        return [4, .. parameters.Q.X!, .. parameters.Q.Y!];
    }

    private async Task<SendOutcome> PushAsync(ChannelHttp http)
    {
        var settings = new ChannelSettings
        {
            Name = "push", Type = ChannelType.WebPush, PublicKey = _vapid.PublicKey, PrivateKey = _vapid.PrivateKey,
            Contact = "mailto:operator@finance.example", ToUsers = true,
        };
        await using var channel = new WebPushChannel(settings, http);
        return await channel.SendAsync(
            SampleNotifications.Full with { Destination = Destination() }, TestContext.Current.CancellationToken);
    }

    // RFC 8188 and 8291, from the browser's side.
    private string Decrypt(byte[] body)
    {
        byte[] salt = body[..16];
        byte[] sender = body[21..(21 + body[20])];
        byte[] record = body[(21 + body[20])..];
        using var other = ECDiffieHellman.Create(new ECParameters
        {
            Curve = ECCurve.NamedCurves.nistP256, Q = new ECPoint { X = sender[1..33], Y = sender[33..] },
        });
        byte[] shared = _browser.DeriveRawSecretAgreement(other.PublicKey);
        byte[] material = HKDF.DeriveKey(
            HashAlgorithmName.SHA256, shared, 32, _auth, [.. "WebPush: info\0"u8, .. PointOf(_browser), .. sender]);
        byte[] key = HKDF.DeriveKey(HashAlgorithmName.SHA256, material, 16, salt, "Content-Encoding: aes128gcm\0"u8.ToArray());
        byte[] nonce = HKDF.DeriveKey(HashAlgorithmName.SHA256, material, 12, salt, "Content-Encoding: nonce\0"u8.ToArray());
        byte[] plain = new byte[record.Length - 16];
        using var gcm = new AesGcm(key, 16);
        gcm.Decrypt(nonce, record[..^16], record[^16..], plain);
        return Encoding.UTF8.GetString(plain.AsSpan().TrimEnd((byte)0)[..^1]);
    }

    /// <summary>A push service on loopback with TLS; the guard believes that it is elsewhere.</summary>
    private sealed class PushService : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly CancellationTokenSource _end = new();
        private readonly X509Certificate2 _certificate;
        private readonly Task _serving;

        public PushService()
        {
            using var key = RSA.Create(2048);
            var request = new CertificateRequest("CN=push.example.net", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            using X509Certificate2 made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
            _certificate = X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pfx), null);
            _listener.Start();
            _serving = ServeAsync();
        }

        public byte[] Answer { get; init; } = [];

        public bool StaysOpen { get; init; }

        public int Connections { get; private set; }

        public string Head { get; private set; } = "";

        public byte[] Body { get; private set; } = [];

        public ChannelHttp Client(TimeProvider time) => new(
            time,
            new GuardedConnector(
                (_, _) => Task.FromResult(new[] { s_public }),
                async (_, _, token) =>
                {
                    var client = new TcpClient();
                    await client.ConnectAsync((IPEndPoint)_listener.LocalEndpoint, token);
                    return client.GetStream();
                }),
            handler => handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.Subject == "CN=push.example.net");

        public async ValueTask DisposeAsync()
        {
            await _end.CancelAsync();
            _listener.Stop();
            await _serving;
            _certificate.Dispose();
            _end.Dispose();
        }

        private async Task ServeAsync()
        {
            try
            {
                while (true)
                {
                    using TcpClient client = await _listener.AcceptTcpClientAsync(_end.Token);
                    Connections++;
                    await using var stream = new SslStream(client.GetStream());
                    await stream.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = _certificate }, _end.Token);
                    await ReadAsync(stream);
                    await stream.WriteAsync(Answer, _end.Token);
                    await stream.FlushAsync(_end.Token);
                    if (StaysOpen)
                    {
                        await Task.Delay(Timeout.Infinite, _end.Token);
                    }
                }
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or IOException or InvalidOperationException)
            {
                // The test is over.
            }
        }

        private async Task ReadAsync(Stream stream)
        {
            var bytes = new List<byte>();
            byte[] buffer = new byte[8192];
            while (true)
            {
                int read = await stream.ReadAsync(buffer, _end.Token);
                bytes.AddRange(buffer[..read]);
                string text = Encoding.Latin1.GetString([.. bytes]);
                int end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
                if (end >= 0)
                {
                    Head = text[..end];
                    string length = Head.Split("\r\n").FirstOrDefault(line => line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase)) ?? ":0";
                    int expected = int.Parse(length.Split(':')[1], System.Globalization.CultureInfo.InvariantCulture);
                    if (bytes.Count >= end + 4 + expected && expected > 0)
                    {
                        Body = [.. bytes.Skip(end + 4)];
                        return;
                    }

                    // A chunked body ends with an empty chunk.
                    if (expected == 0 && text.EndsWith("\r\n0\r\n\r\n", StringComparison.Ordinal))
                    {
                        Body = Dechunk([.. bytes.Skip(end + 4)]);
                        return;
                    }
                }

                if (read == 0)
                {
                    return;
                }
            }
        }

        private static byte[] Dechunk(byte[] chunked)
        {
            var body = new List<byte>();
            int at = 0;
            while (true)
            {
                int line = Array.IndexOf(chunked, (byte)'\r', at);
                int size = Convert.ToInt32(Encoding.ASCII.GetString(chunked[at..line]), 16);
                if (size == 0)
                {
                    return [.. body];
                }

                body.AddRange(chunked[(line + 2)..(line + 2 + size)]);
                at = line + 2 + size + 2;
            }
        }
    }
}
