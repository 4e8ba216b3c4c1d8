namespace FinanceIngest.Configuration;

/// <summary>One channel of the notifier, validated. <c>docs/notifications.md</c> is the user's view of it.</summary>
public sealed record ChannelSettings
{
    /// <summary>The operator's name for the channel, which rows, metrics and logs have.</summary>
    public required string Name { get; init; }

    /// <summary>What the channel is.</summary>
    public required ChannelType Type { get; init; }

    /// <summary>The address of <c>webhook</c>, <c>slack</c> and <c>teams</c>; the template of one for <c>http</c>; null for the others.</summary>
    public string? Url { get; init; }

    /// <summary>The secrets that sign a webhook, the newest first; each at least 24 bytes.</summary>
    public IReadOnlyList<byte[]> Secrets { get; init; } = [];

    /// <summary>The mail server's name.</summary>
    public string? Host { get; init; }

    /// <summary>The mail server's port.</summary>
    public int Port { get; init; }

    /// <summary>How the connection to the mail server is encrypted.</summary>
    public MailSecurity Security { get; init; }

    /// <summary>The sender of mails, with or without a name: <c>Finance &lt;alerts@finance.example&gt;</c>.</summary>
    public string? From { get; init; }

    /// <summary>The fixed receivers of mails; may be empty where <see cref="ToUsers"/> is set.</summary>
    public IReadOnlyList<string> To { get; init; } = [];

    /// <summary>The account at the mail server, or at the address of <c>http</c>; null: none.</summary>
    public string? User { get; init; }

    /// <summary>The account's password.</summary>
    public string? Password { get; init; }

    /// <summary>A file with an OAuth 2 token for the mail server, read anew for each connection; null: none.</summary>
    public string? TokenFile { get; init; }

    /// <summary>The scope of a token that the process's own identity gets for the mail server; null: none.</summary>
    public string? TokenScope { get; init; }

    /// <summary>Whether the channel also goes to the addresses that users gave; only <c>smtp</c>, and always <c>webpush</c>.</summary>
    public bool ToUsers { get; init; }

    /// <summary>The VAPID public key of <c>webpush</c>: a point of P-256, uncompressed, in base64url.</summary>
    public string? PublicKey { get; init; }

    /// <summary>The VAPID private key of <c>webpush</c>: 32 bytes in base64url.</summary>
    public string? PrivateKey { get; init; }

    /// <summary>Whom a push service may ask: a <c>mailto:</c> or https address.</summary>
    public string? Contact { get; init; }

    /// <summary>The method of <c>http</c>.</summary>
    public string Method { get; init; } = "POST";

    /// <summary>The headers of <c>http</c>: names, and templates of values.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>The template of the body of <c>http</c>; null: the request has none.</summary>
    public string? Body { get; init; }

    /// <summary>The template of the subject or title; null: the default.</summary>
    public string? Subject { get; init; }

    /// <summary>The template of the text; null: the default.</summary>
    public string? Text { get; init; }

    /// <summary>The template of the HTML part of a mail; null: the default. Values in it are encoded.</summary>
    public string? Html { get; init; }

    /// <summary>What stands before amounts in the default templates.</summary>
    public string Currency { get; init; } = "₹";

    /// <summary>How long alerts are gathered into one message; null: each is told at once.</summary>
    public TimeSpan? Digest { get; init; }

    /// <summary>The most messages to one address within 60 minutes, what is beyond goes in one when the time is over; null: no limit.</summary>
    public int? MostPerHour { get; init; }

    /// <summary>
    /// An alert is told only if its amount is seen once in so many transactions or more rarely; null: each is told. An alert without a surprise always is.
    /// </summary>
    public double? MinimumSurprise { get; init; }

    /// <summary>When nobody is told; null: there is no such time. A user's own take the place of these.</summary>
    public QuietHours? Quiet { get; init; }

    /// <summary>How long a message is tried before it is given up.</summary>
    public TimeSpan GiveUpAfter { get; init; } = TimeSpan.FromHours(72);

    /// <summary>Whether there is an address that the operator set.</summary>
    public bool HasFixedAddress => Type is not ChannelType.WebPush && (Type is not ChannelType.Smtp || To.Count > 0);

    /// <summary>Returns the name alone, because the text that a record makes by default would contain secrets.</summary>
    public override string ToString() => Name;
}
