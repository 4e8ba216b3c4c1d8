using System.Net.Sockets;
using Azure.Core;
using Azure.Identity;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using MailKit;
using MailKit.Net.Smtp;
using MailKit.Security;
using MimeKit;

namespace FinanceIngest.Notifications.Channels;

/// <summary>Mail through one server, over one connection for a run of messages.</summary>
internal sealed class SmtpChannel : INotificationChannel
{
    private readonly ChannelSettings _settings;
    private readonly MessageTexts _texts;
    private readonly TimeProvider _time;
    private readonly Action<SmtpClient>? _configure;
    private readonly TokenCredential? _credential;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private PatientSmtpClient? _client;

    /// <param name="settings">The channel's settings.</param>
    /// <param name="time">The clock of time limits and dates.</param>
    /// <param name="configure">Changes a client before it connects; for tests.</param>
    public SmtpChannel(ChannelSettings settings, TimeProvider time, Action<SmtpClient>? configure = null)
    {
        _settings = settings;
        _texts = new MessageTexts(settings);
        _time = time;
        _configure = configure;
        _credential = settings.TokenScope is null ? null : new DefaultAzureCredential();
    }

    /// <summary>One connection, one message at a time.</summary>
    public int Concurrency => 1;

    /// <inheritdoc/>
    public async Task<SendOutcome> SendAsync(Notification notification, CancellationToken cancellationToken)
    {
        if (notification.Destination is { Mail: null })
        {
            return new SendOutcome(SendResult.Refused, "There is no mail address to send to.");
        }

        using MimeMessage mail = NewMail(notification);
        await _gate.WaitAsync(cancellationToken);
        using var limit = new AttemptLimit(_time, cancellationToken);
        try
        {
            PatientSmtpClient client = await ConnectAsync(limit.Token);
            client.Refused = 0;
            await client.SendAsync(mail, limit.Token);
            return client.Refused == 0
                ? SendOutcome.Delivered
                : new SendOutcome(SendResult.Delivered, $"The mail server refused {client.Refused} of {mail.To.Count} receivers.");
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested && Meaning(e) is { } outcome)
        {
            await DropAsync();
            return outcome;
        }
        catch
        {
            await DropAsync();
            throw;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Says good-bye to the server.</summary>
    public async Task RestAsync()
    {
        await _gate.WaitAsync();
        try
        {
            if (_client is { IsConnected: true } client)
            {
                using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(2), _time);
                await client.DisconnectAsync(quit: true, timeout.Token);
            }
        }
        catch (Exception e) when (Meaning(e) is not null)
        {
            // The connection is dropped below, whether or not the server has heard of it.
        }
        finally
        {
            await DropAsync();
            _gate.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await DropAsync();
        _gate.Dispose();
    }

    private MimeMessage NewMail(Notification notification)
    {
        MailboxAddress from = MailboxAddress.Parse(_settings.From!);
        var mail = new MimeMessage { Subject = _texts.Subject(notification), Date = _time.GetUtcNow() };
        mail.From.Add(from);
        if (notification.Destination?.Mail is { } own)
        {
            mail.To.Add(MailboxAddress.Parse(own));
        }
        else
        {
            mail.To.AddRange(_settings.To.Select(address => (InternetAddress)MailboxAddress.Parse(address)));
        }

        // The id of the message is that of the alert for each attempt, so that a mailbox can tell a repetition. Answers of machines are not wanted (RFC 3834).
        string id = notification.Id.ToString("D");
        mail.MessageId = $"{id}.{(notification.Destination?.Id ?? Guid.Empty).ToString("N")[..8]}@{from.Domain}";
        mail.Headers.Add("X-Alert-Id", id);
        mail.Headers.Add("Auto-Submitted", "auto-generated");
        mail.Body = new MultipartAlternative(
            new TextPart("plain") { Text = _texts.Text(notification) }, new TextPart("html") { Text = _texts.Html(notification) });
        return mail;
    }

    private async Task<PatientSmtpClient> ConnectAsync(CancellationToken cancellationToken)
    {
        if (_client is { IsConnected: true } connected)
        {
            return connected;
        }

        await DropAsync();
        var client = new PatientSmtpClient();
        _client = client;
        _configure?.Invoke(client);
        SecureSocketOptions security = _settings.Security switch
        {
            MailSecurity.None => SecureSocketOptions.None,
            MailSecurity.Tls => SecureSocketOptions.SslOnConnect,
            _ => SecureSocketOptions.StartTls,
        };
        await client.ConnectAsync(_settings.Host!, _settings.Port, security, cancellationToken);
        if (_settings.Password is { } password)
        {
            await client.AuthenticateAsync(_settings.User!, password, cancellationToken);
        }
        else if (_settings.User is { } user)
        {
            string token = await GetTokenAsync(cancellationToken);
            SaslMechanism proof = client.AuthenticationMechanisms.Contains("OAUTHBEARER")
                ? new SaslMechanismOAuthBearer(user, token)
                : new SaslMechanismOAuth2(user, token);
            await client.AuthenticateAsync(proof, cancellationToken);
        }

        return client;
    }

    private async Task<string> GetTokenAsync(CancellationToken cancellationToken) =>
        _settings.TokenFile is { } file
            ? (await File.ReadAllTextAsync(file, cancellationToken)).Trim()
            : (await _credential!.GetTokenAsync(new TokenRequestContext([_settings.TokenScope!]), cancellationToken)).Token;

    private Task DropAsync()
    {
        _client?.Dispose();
        _client = null;
        return Task.CompletedTask;
    }

    // A server's own text may quote addresses; only its codes are told.
    private static SendOutcome? Meaning(Exception e) => e switch
    {
        OperationCanceledException => new SendOutcome(SendResult.ChannelFailed, $"No answer within {Deadlines.NotifySend.TotalSeconds:0} s."),
        SmtpCommandException { ErrorCode: SmtpErrorCode.RecipientNotAccepted or SmtpErrorCode.MessageNotAccepted } command => new SendOutcome(
            (int)command.StatusCode >= 500 ? SendResult.Refused : SendResult.Failed,
            $"The mail server refused the {(command.ErrorCode == SmtpErrorCode.RecipientNotAccepted ? "receiver" : "message")}: {(int)command.StatusCode}."),
        SmtpCommandException command => new SendOutcome(SendResult.ChannelFailed, $"The mail server answered {(int)command.StatusCode}."),
        AuthenticationException => new SendOutcome(SendResult.ChannelFailed, "The mail server refused the account."),
        SslHandshakeException => new SendOutcome(SendResult.ChannelFailed, "The mail server's certificate is not trusted, or it speaks no TLS on this port."),
        NotSupportedException => new SendOutcome(SendResult.ChannelFailed, "The mail server does not offer STARTTLS, or no way to prove the account."),
        SocketException socket => new SendOutcome(SendResult.ChannelFailed, $"The connection to the mail server failed: {socket.SocketErrorCode}."),
        ProtocolException or ServiceNotConnectedException or ServiceNotAuthenticatedException or CommandException or AuthenticationFailedException =>
            new SendOutcome(SendResult.ChannelFailed, $"The connection to the mail server failed: {e.GetType().Name}."),
        IOException or UnauthorizedAccessException =>
            new SendOutcome(SendResult.ChannelFailed, $"The connection or the token's file failed: {FailureText.Kind(e)}."),
        _ => null,
    };

    /// <summary>A client that sends to the receivers that the server takes, and counts those that it refuses.</summary>
    private sealed class PatientSmtpClient : SmtpClient
    {
        private SmtpResponse? _last;

        public int Refused { get; set; }

        protected override void OnRecipientNotAccepted(MimeMessage message, MailboxAddress mailbox, SmtpResponse response)
        {
            Refused++;
            _last = response;
        }

        protected override void OnNoRecipientsAccepted(MimeMessage message) => throw new SmtpCommandException(
            SmtpErrorCode.RecipientNotAccepted, _last?.StatusCode ?? SmtpStatusCode.MailboxUnavailable, "No receiver was taken.");
    }
}
