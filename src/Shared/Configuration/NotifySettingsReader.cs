using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using FinanceIngest.Ground;
using Microsoft.Extensions.Configuration;
using MimeKit;

namespace FinanceIngest.Configuration;

/// <summary>Reads and validates the settings of the notifier: <c>FinanceIngest__Notify__…</c>.</summary>
internal static partial class NotifySettingsReader
{
    /// <summary>The beginning of the settings of channels, relative to <c>FinanceIngest</c>.</summary>
    public const string Channels = "Notify:Channels:";

    private const string Prefix = "FinanceIngest__Notify__";
    private const int LongestName = 40;
    private const int LeastSecret = 24;
    private const int MostSecret = 64;

    private static readonly string[] s_common =
    [
        "Type", "Subject", "Text", "Currency", "DigestMinutes", "MostPerHour", "MinimumSurprise", "QuietHours:From", "QuietHours:Until", "QuietHours:TimeZone",
        "GiveUpHours",
    ];

    private static readonly Dictionary<ChannelType, string[]> s_own = new()
    {
        [ChannelType.Smtp] = ["Host", "Port", "Security", "From", "To", "User", "Password", "Token:File", "Token:Scope", "ToUsers", "Html"],
        [ChannelType.Webhook] = ["Url", "Secret"],
        [ChannelType.Slack] = ["Url"],
        [ChannelType.Teams] = ["Url"],
        [ChannelType.WebPush] = ["PublicKey", "PrivateKey", "Contact"],
        [ChannelType.Http] = ["Url", "Method", "Body", "User", "Password"],
    };

    // A message of these types is a program's or has a form of its own; what the templates would fill is not in it.
    private static readonly Dictionary<ChannelType, string[]> s_without = new()
    {
        [ChannelType.Webhook] = ["Subject", "Text", "Currency"],
    };

    private static readonly string[] s_methods = ["GET", "POST", "PUT", "PATCH"];

    /// <summary>Whether a path relative to <c>FinanceIngest</c> is a template, in which <c>{{ name }}</c> is no placeholder that somebody forgot.</summary>
    public static bool IsTemplate(string path) => TemplatePath().IsMatch(path);

    /// <summary>Reads the settings.</summary>
    /// <param name="own">The section <c>FinanceIngest</c>.</param>
    /// <param name="publicUrl">Where the installation is reached from outside; null: that is not known.</param>
    /// <exception cref="SettingsException">A setting is wrong, unknown, or required and missing.</exception>
    public static NotifySettings Read(IConfigurationSection own, string? publicUrl)
    {
        var settings = new NotifySettings
        {
            Channels =
            [
                .. own.GetSection("Notify:Channels").GetChildren()
                    .Where(channel => Values(channel).Any())
                    .Select(ReadChannel)
                    .OrderBy(channel => channel.Name, StringComparer.Ordinal),
            ],
            ConsumeAlertQueue = ReadBoolean(own["Notify:ConsumeAlertQueue"], $"{Prefix}ConsumeAlertQueue"),
            LinkTemplate = ReadLinkTemplate(Text(own["Notify:LinkTemplate"])) ?? (publicUrl is null ? null : $"{publicUrl}/#/transactions/{{transaction_id}}"),
        };
        return settings.ConsumeAlertQueue && settings.Channels.Count == 0
            ? throw new SettingsException(
                $"{Prefix}ConsumeAlertQueue", "true, but there is no channel: alerts would be taken from their queue and told to nobody. "
                    + $"Set {Prefix}Channels__NAME__Type and its other settings (docs/notifications.md).")
            : settings;
    }

    private static ChannelSettings ReadChannel(IConfigurationSection section)
    {
        var fields = new Fields(section);
        if (!ChannelName().IsMatch(section.Key) || section.Key.Length > LongestName)
        {
            throw new SettingsException(
                $"{Prefix}Channels__{section.Key}", $"a channel's name has 1 to {LongestName} letters, digits, hyphens and single underscores.");
        }

        ChannelType type = fields.OneOf<ChannelType>("Type", "smtp, webhook, slack, teams, webpush, http")
            ?? throw fields.Wrong("Type", "missing: one of smtp, webhook, slack, teams, webpush, http.");
        RefuseUnknown(fields, type);
        var channel = new ChannelSettings
        {
            Name = section.Key,
            Type = type,
            Subject = fields.Template("Subject"),
            Text = fields.Template("Text"),
            Html = fields.Template("Html"),
            Currency = section["Currency"] ?? "₹",
            Digest = fields.Number("DigestMinutes", 1, 7 * 24 * 60) is { } minutes ? TimeSpan.FromMinutes(minutes) : null,
            MostPerHour = (int?)fields.Whole("MostPerHour", 1, 1000),
            MinimumSurprise = fields.Number("MinimumSurprise", 1, 1e12),
            Quiet = ReadQuiet(fields),
            GiveUpAfter = TimeSpan.FromHours(fields.Number("GiveUpHours", 0.1, 30 * 24) ?? 72),
        };
        return type switch
        {
            ChannelType.Smtp => ReadSmtp(fields, channel),
            ChannelType.Webhook => channel with { Url = fields.Address("Url"), Secrets = ReadSecrets(fields) },
            ChannelType.WebPush => ReadWebPush(fields, channel),
            ChannelType.Http => ReadHttp(fields, channel),
            _ => channel with { Url = fields.Address("Url") },
        };
    }

    private static ChannelSettings ReadSmtp(Fields fields, ChannelSettings channel)
    {
        MailSecurity security = fields.OneOf<MailSecurity>("Security", "none, starttls, tls") ?? MailSecurity.StartTls;
        string? user = fields["User"];
        string? password = fields["Password"];
        string? file = fields["Token:File"];
        string? scope = fields["Token:Scope"];
        string[] proofs = [.. new[] { ("Password", password), ("Token:File", file), ("Token:Scope", scope) }
            .Where(proof => proof.Item2 is not null).Select(proof => proof.Item1)];
        if (proofs.Length > 1)
        {
            throw fields.Wrong(proofs[1], $"{Fields.NameOf(proofs[0])} is set too; set one of the two.");
        }

        if ((user is null) != (proofs.Length == 0))
        {
            throw user is null
                ? fields.Wrong("User", $"required with {Fields.NameOf(proofs[0])}.")
                : fields.Wrong("User", "set without a proof: set Password, Token__File or Token__Scope as well.");
        }

        if (user is not null && security == MailSecurity.None && !IsThisMachine(fields["Host"]))
        {
            throw fields.Wrong("Security", "none would send the account's password or token in the clear; set starttls or tls.");
        }

        channel = channel with
        {
            Host = fields["Host"] ?? throw fields.Wrong("Host", "missing: the mail server's name."),
            Port = (int)(fields.Whole("Port", 1, 65_535) ?? (security == MailSecurity.Tls ? 465 : security == MailSecurity.StartTls ? 587 : 25)),
            Security = security,
            From = ReadMailbox(fields, "From", fields["From"] ?? throw fields.Wrong("From", "missing: the sender of the mails.")),
            To = [.. (fields["To"] ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                .Select(address => ReadMailbox(fields, "To", address))],
            ToUsers = ReadBoolean(fields["ToUsers"], fields.Name("ToUsers")),
            User = user,
            Password = password,
            TokenFile = file,
            TokenScope = scope,
        };
        return channel.To.Count > 0 || channel.ToUsers
            ? channel
            : throw fields.Wrong("To", "missing: addresses separated by commas (or set ToUsers to true, for the addresses that users gave).");
    }

    private static ChannelSettings ReadWebPush(Fields fields, ChannelSettings channel)
    {
        const string make = "make a pair with \"finance-ingest notify keys\".";
        string publicKey = fields["PublicKey"] ?? throw fields.Wrong("PublicKey", $"missing: {make}");
        string privateKey = fields["PrivateKey"] ?? throw fields.Wrong("PrivateKey", $"missing: {make}");
        string contact = fields["Contact"] ?? throw fields.Wrong("Contact", "missing: a mailto: or https address that push services may write to.");
        if (!Uri.TryCreate(contact, UriKind.Absolute, out Uri? uri) || !(uri.Scheme == Uri.UriSchemeMailto || uri.Scheme == Uri.UriSchemeHttps))
        {
            throw fields.Wrong("Contact", "not an address such as mailto:operator@finance.example or https://finance.example.");
        }

        if (!Base64Url.TryDecode(publicKey, out byte[] point) || point.Length != 65 || point[0] != 4)
        {
            throw fields.Wrong("PublicKey", $"not the base64url of 65 bytes; {make}");
        }

        if (!Base64Url.TryDecode(privateKey, out byte[] scalar) || scalar.Length != 32 || !IsPair(point, scalar))
        {
            throw fields.Wrong("PrivateKey", $"not the other half of PublicKey; {make}");
        }

        return channel with { PublicKey = publicKey, PrivateKey = privateKey, Contact = contact, ToUsers = true };
    }

    private static bool IsPair(byte[] point, byte[] scalar)
    {
        try
        {
            // The import fails for a pair that does not belong together.
            using var key = ECDsa.Create(new ECParameters
            {
                Curve = ECCurve.NamedCurves.nistP256,
                D = scalar,
                Q = new ECPoint { X = point[1..33], Y = point[33..] },
            });
            byte[] signature = key.SignData(point, HashAlgorithmName.SHA256);
            using var other = ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = new ECPoint { X = point[1..33], Y = point[33..] } });
            return other.VerifyData(point, signature, HashAlgorithmName.SHA256);
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    private static ChannelSettings ReadHttp(Fields fields, ChannelSettings channel)
    {
        string method = fields["Method"]?.ToUpperInvariant() ?? "POST";
        if (!s_methods.Contains(method))
        {
            throw fields.Wrong("Method", $"'{method}' is not one of {string.Join(", ", s_methods)}.");
        }

        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (IConfigurationSection header in fields.Section.GetSection("Headers").GetChildren())
        {
            if (Text(header.Value) is { } value)
            {
                using var request = new HttpRequestMessage();
                bool isKnown = header.Key.Equals("Content-Type", StringComparison.OrdinalIgnoreCase)
                    ? MediaTypeHeaderValue.TryParse(value, out _)
                    : request.Headers.TryAddWithoutValidation(header.Key, "x");
                headers.Add(header.Key, isKnown ? value : throw fields.Wrong($"Headers:{header.Key}", "not a header that a request may have."));
            }
        }

        string url = fields.Template("Url") ?? throw fields.Wrong("Url", "missing: the address of the request, which may be a template.");
        if (!url.StartsWith("https://", StringComparison.OrdinalIgnoreCase) && !url.StartsWith("http://", StringComparison.OrdinalIgnoreCase))
        {
            throw fields.Wrong("Url", "does not begin with https:// or http://.");
        }

        // Values of an alert may choose a path or a query, and never the host that is asked.
        if (AuthorityWithTemplate().IsMatch(url))
        {
            throw fields.Wrong("Url", "has a template in the name of the host; only its path and query may have one.");
        }

        string? user = fields["User"];
        string? password = fields["Password"];
        return (user is null) != (password is null)
            ? throw fields.Wrong(user is null ? "User" : "Password", "missing: User and Password go together.")
            : channel with { Url = url, Method = method, Headers = headers, Body = fields.Template("Body"), User = user, Password = password };
    }

    private static List<byte[]> ReadSecrets(Fields fields)
    {
        const string form = "whsec_ and the base64 of 24 to 64 random bytes; several, the newest first, are separated by spaces";
        string text = fields["Secret"] ?? throw fields.Wrong("Secret", $"missing: {form}.");
        var secrets = new List<byte[]>();
        foreach (string secret in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            byte[] bytes = new byte[secret.Length];
            if (!secret.StartsWith("whsec_", StringComparison.Ordinal)
                || !Convert.TryFromBase64String(secret["whsec_".Length..], bytes, out int length) || length is < LeastSecret or > MostSecret)
            {
                throw fields.Wrong("Secret", $"not {form}.");
            }

            secrets.Add(bytes[..length]);
        }

        return secrets;
    }

    private static QuietHours? ReadQuiet(Fields fields)
    {
        string? from = fields["QuietHours:From"];
        string? until = fields["QuietHours:Until"];
        string? zone = fields["QuietHours:TimeZone"];
        if (from is null && until is null && zone is null)
        {
            return null;
        }

        TimeOnly begin = ReadTime(fields, "QuietHours:From", from);
        TimeOnly end = ReadTime(fields, "QuietHours:Until", until);
        if (begin == end)
        {
            throw fields.Wrong("QuietHours:Until", "the same as From: it would always be quiet, or never.");
        }

        return TimeZones.TryFind(zone ?? "UTC", out TimeZoneInfo? found)
            ? new QuietHours(begin, end, found)
            : throw fields.Wrong("QuietHours:TimeZone", $"'{zone}' is no time zone that this machine knows (expected a name such as Europe/Berlin).");
    }

    private static TimeOnly ReadTime(Fields fields, string name, string? text) =>
        text is null ? throw fields.Wrong(name, "missing: From and Until go together.")
        : TimeOnly.TryParseExact(text, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out TimeOnly time) ? time
        : throw fields.Wrong(name, $"'{text}' is not a time of day such as 22:00.");

    private static string ReadMailbox(Fields fields, string name, string text) =>
        MailboxAddress.TryParse(text, out MailboxAddress? mailbox) && mailbox.Address.Contains('@', StringComparison.Ordinal)
            ? text
            : throw fields.Wrong(name, $"'{text}' is not a mail address.");

    private static bool IsThisMachine(string? host) => host is "localhost" or "127.0.0.1" or "::1";

    private static string? ReadLinkTemplate(string? value)
    {
        if (value is null)
        {
            return null;
        }

        string sample = LinkField().Replace(value, "1");
        return sample.IndexOfAny(['{', '}']) < 0 && Uri.TryCreate(sample, UriKind.Absolute, out Uri? uri)
            && (uri.Scheme == Uri.UriSchemeHttps || uri.Scheme == Uri.UriSchemeHttp)
            ? value
            : throw new SettingsException(
                $"{Prefix}LinkTemplate", $"'{value}' is not an http or https address such as https://finance.example/transactions/{{transaction_id}}; "
                    + "{alert_id}, {user_id} and {category_id} may stand in it as well.");
    }

    private static bool ReadBoolean(string? value, string setting) =>
        Text(value)?.ToUpperInvariant() switch
        {
            null or "FALSE" => false,
            "TRUE" => true,
            _ => throw new SettingsException(setting, $"'{value}' is not true or false."),
        };

    private static void RefuseUnknown(Fields fields, ChannelType type)
    {
        string[] known = [.. s_common.Except(s_without.GetValueOrDefault(type, [])).Concat(s_own[type]).Order(StringComparer.Ordinal)];
        foreach (string path in Values(fields.Section))
        {
            bool isHeader = type == ChannelType.Http && path.StartsWith("Headers:", StringComparison.OrdinalIgnoreCase);
            if (!isHeader && !known.Contains(path, StringComparer.OrdinalIgnoreCase))
            {
                string names = string.Join(", ", known.Select(Fields.NameOf)) + (type == ChannelType.Http ? ", Headers__NAME" : "");
                throw fields.Wrong(path, $"no such setting of a channel of the type {type.ToString().ToLowerInvariant()}; known are {names}.");
            }
        }
    }

    // A variable that is empty counts as unset; the key itself has the path "".
    private static IEnumerable<string> Values(IConfigurationSection channel) =>
        channel.AsEnumerable(makePathsRelative: true).Where(pair => Text(pair.Value) is not null).Select(pair => pair.Key);

    private static string? Text(string? value) => string.IsNullOrWhiteSpace(value) ? null : value.Trim();

    /// <summary>The settings of one channel, by their paths below its name.</summary>
    private sealed class Fields(IConfigurationSection section)
    {
        public IConfigurationSection Section => section;

        public string? this[string path] => NotifySettingsReader.Text(section[path]);

        public static string NameOf(string path) => path.Replace(":", "__", StringComparison.Ordinal);

        public string Name(string path) => path.Length == 0 ? $"{Prefix}Channels__{section.Key}" : $"{Prefix}Channels__{section.Key}__{NameOf(path)}";

        public SettingsException Wrong(string path, string problem) => new(Name(path), problem);

        // White space at the ends of a template may be meant; environments can't hold line ends well, so "\n" is one.
        public string? Template(string path) =>
            string.IsNullOrWhiteSpace(section[path]) ? null : section[path]!.Replace("\\n", "\n", StringComparison.Ordinal);

        public string Address(string path)
        {
            string text = this[path] ?? throw Wrong(path, "missing: the address that is told.");
            return Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) && (uri.Scheme == Uri.UriSchemeHttps || uri.Scheme == Uri.UriSchemeHttp)
                && uri.Host.Length > 0 && uri.UserInfo.Length == 0
                ? text
                : throw Wrong(path, "not an http or https address without a user name.");
        }

        public T? OneOf<T>(string path, string allowed)
            where T : struct, Enum =>
            this[path] is not { } text ? null
            : allowed.Split(", ").Contains(text, StringComparer.OrdinalIgnoreCase) ? Enum.Parse<T>(text, ignoreCase: true)
            : throw Wrong(path, $"'{text}' is not one of {allowed}.");

        public double? Number(string path, double minimum, double maximum) =>
            this[path] is not { } text ? null
            : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value >= minimum && value <= maximum ? value
            : throw Wrong(path, string.Create(CultureInfo.InvariantCulture, $"'{text}' is not a number from {minimum} to {maximum}."));

        public long? Whole(string path, long minimum, long maximum) =>
            this[path] is not { } text ? null
            : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long value) && value >= minimum && value <= maximum ? value
            : throw Wrong(path, $"'{text}' is not a whole number from {minimum} to {maximum}.");
    }

    [GeneratedRegex("^[A-Za-z0-9]+([_-][A-Za-z0-9]+)*$")]
    private static partial Regex ChannelName();

    [GeneratedRegex(@"\{(transaction_id|alert_id|user_id|category_id)\}")]
    private static partial Regex LinkField();

    [GeneratedRegex("^Notify:Channels:[^:]+:(Subject|Text|Html|Body|Url|Headers:[^:]+)$", RegexOptions.IgnoreCase)]
    private static partial Regex TemplatePath();

    [GeneratedRegex(@"^https?://[^/?#]*[{}]", RegexOptions.IgnoreCase)]
    private static partial Regex AuthorityWithTemplate();
}
