using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MimeKit;

namespace FinanceIngest.Tests.Notifications;

/// <summary>A mail server on loopback that keeps what it is sent (RFC 5321), with STARTTLS, and with PLAIN and XOAUTH2.</summary>
internal sealed class SmtpSink : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly ConcurrentQueue<ReceivedMail> _mails = new();
    private readonly X509Certificate2 _certificate = NewCertificate();
    private readonly bool _isTls;
    private readonly Task _accepting;

    public SmtpSink(bool isTls = false)
    {
        _isTls = isTls;
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    public int Port { get; }

    public IReadOnlyList<ReceivedMail> Mails => [.. _mails];

    /// <summary>The answer to a receiver's address.</summary>
    public Func<string, string> OnReceiver { get; set; } = _ => "250 OK";

    /// <summary>The answer behind a mail's end.</summary>
    public Func<string> OnData { get; set; } = () => "250 OK";

    /// <summary>Whether a mail must come from an account, and how it proved itself: PLAIN or XOAUTH2 with its decoded text.</summary>
    public List<string> Proofs { get; } = [];

    /// <summary>Connections so far.</summary>
    public int Connections { get; private set; }

    /// <summary>Whether STARTTLS is offered.</summary>
    public bool OffersTls { get; set; } = true;

    /// <summary>Whether accounts are refused.</summary>
    public bool RefusesAccounts { get; set; }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Stop();
        await _accepting;
        _certificate.Dispose();
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        var sessions = new List<Task>();
        try
        {
            while (true)
            {
                TcpClient client = await _listener.AcceptTcpClientAsync(_end.Token);
                Connections++;
                sessions.Add(Task.Run(() => ServeAsync(client)));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(sessions);
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using TcpClient connection = client;
        try
        {
            Stream stream = connection.GetStream();
            stream = _isTls ? await SecureAsync(stream) : stream;
            bool isSecure = _isTls;
            var reader = new StreamReader(stream, Encoding.Latin1);
            await SayAsync(stream, "220 sink");
            string from = "";
            var receivers = new List<string>();
            while (await reader.ReadLineAsync(_end.Token) is { } line)
            {
                string verb = line.Split(' ')[0].ToUpperInvariant();
                switch (verb)
                {
                    case "EHLO":
                        await SayAsync(stream, $"250-sink\r\n{(OffersTls && !isSecure ? "250-STARTTLS\r\n" : "")}250 AUTH PLAIN XOAUTH2");
                        break;
                    case "STARTTLS":
                        await SayAsync(stream, "220 go on");
                        stream = await SecureAsync(stream);
                        isSecure = true;
                        reader = new StreamReader(stream, Encoding.Latin1);
                        break;
                    case "AUTH":
                        Proofs.Add($"{line.Split(' ')[1]} {Encoding.UTF8.GetString(Convert.FromBase64String(line.Split(' ')[2]))}");
                        await SayAsync(stream, RefusesAccounts ? "535 no" : "235 OK");
                        break;
                    case "MAIL":
                        from = line;
                        receivers.Clear();
                        await SayAsync(stream, "250 OK");
                        break;
                    case "RCPT":
                        string address = line[(line.IndexOf('<', StringComparison.Ordinal) + 1)..line.IndexOf('>', StringComparison.Ordinal)];
                        string answer = OnReceiver(address);
                        if (answer.StartsWith('2'))
                        {
                            receivers.Add(address);
                        }

                        await SayAsync(stream, answer);
                        break;
                    case "DATA":
                        await SayAsync(stream, "354 go on");
                        string text = await ReadMailAsync(reader);
                        string taken = OnData();
                        if (taken.StartsWith('2'))
                        {
                            using var bytes = new MemoryStream(Encoding.Latin1.GetBytes(text));
                            _mails.Enqueue(new ReceivedMail(from, [.. receivers], await MimeMessage.LoadAsync(bytes), isSecure));
                        }

                        await SayAsync(stream, taken);
                        break;
                    case "QUIT":
                        await SayAsync(stream, "221 bye");
                        return;
                    default:
                        await SayAsync(stream, "250 OK");
                        break;
                }
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or System.Security.Authentication.AuthenticationException)
        {
            // The client is gone, or the test is over.
        }
    }

    private async Task<SslStream> SecureAsync(Stream stream)
    {
        var secure = new SslStream(stream);
        await secure.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = _certificate }, _end.Token);
        return secure;
    }

    private async Task<string> ReadMailAsync(StreamReader reader)
    {
        var text = new StringBuilder();
        while (await reader.ReadLineAsync(_end.Token) is { } line && line != ".")
        {
            text.Append(line.StartsWith('.') ? line[1..] : line).Append("\r\n");
        }

        return text.ToString();
    }

    private static async Task SayAsync(Stream stream, string line)
    {
        await stream.WriteAsync(Encoding.Latin1.GetBytes($"{line}\r\n"));
        await stream.FlushAsync();
    }

    private static X509Certificate2 NewCertificate()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using X509Certificate2 made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pfx), null);
    }
}

/// <summary>A mail as a server took it.</summary>
internal sealed record ReceivedMail(string From, IReadOnlyList<string> Receivers, MimeMessage Message, bool WasSecure);
