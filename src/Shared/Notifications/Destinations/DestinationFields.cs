using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Notifications.Channels;
using FinanceIngest.Transactions;
using MimeKit;

namespace FinanceIngest.Notifications.Destinations;

/// <summary>
/// An address as JSON has it: <c>{"type": "smtp", "address": "…"}</c> or <c>{"type": "webpush", "endpoint": "https://…", "keys": {"p256dh", "auth"}}</c>,
/// both with <c>quiet_hours</c> (<c>{"from": "22:00", "until": "07:00", "time_zone": "Europe/Berlin"}</c>) and <c>minimum_surprise</c> where they are given.
/// </summary>
internal static class DestinationFields
{
    private const int LongestMail = 254;
    private const int LongestEndpoint = 2000;

    /// <summary>Reads an address that a user supplies.</summary>
    /// <param name="json">What was sent.</param>
    /// <param name="id">The id that the address shall have.</param>
    /// <param name="userId">Whose it is.</param>
    /// <param name="now">The time of its acceptance (UTC).</param>
    /// <param name="errors">Is told of each field that is wrong.</param>
    /// <returns>The address; null when there is an error.</returns>
    public static NotificationDestination? Read(JsonElement json, Guid id, long userId, DateTime now, ValidationErrors errors)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            errors.Add(ValidationErrors.Whole, "must be a JSON object");
            return null;
        }

        QuietHours? quiet = ReadQuiet(json, errors);
        double? surprise = ReadSurprise(json, errors);
        ChannelType type = ChannelType.Smtp;
        string? mail = null;
        PushTarget? push = null;
        switch (Text(json, "type"))
        {
            case "smtp":
                mail = ReadMail(json, errors);
                break;
            case "webpush":
                type = ChannelType.WebPush;
                push = ReadPush(json, errors);
                break;
            default:
                errors.Add("type", "must be \"smtp\" or \"webpush\"");
                break;
        }

        return errors.IsEmpty
            ? new NotificationDestination(id, userId, type, now) { Mail = mail, Push = push, Quiet = quiet, MinimumSurprise = surprise }
            : null;
    }

    /// <summary>Returns the JSON that <see cref="Read"/> takes, in full, as a store keeps it.</summary>
    public static string ToJson(NotificationDestination destination) => Write(destination, json => WriteAddress(json, destination, isMasked: false));

    /// <summary>Reads what <see cref="ToJson"/> wrote; null: this machine can't use it, for instance because it does not know the time zone.</summary>
    public static NotificationDestination? FromJson(string text, Guid id, long userId, DateTime createdAt)
    {
        using JsonDocument document = JsonDocument.Parse(text);
        return Read(document.RootElement, id, userId, createdAt, new ValidationErrors());
    }

    /// <summary>
    /// Writes the fields of an address into an open object, as <c>GET …/notification-destinations</c> shows it: a mail address as <c>a•••@finance.example</c>,
    /// of an endpoint the origin alone, and no key.
    /// </summary>
    public static void WriteMasked(Utf8JsonWriter json, NotificationDestination destination)
    {
        json.WriteString("id", destination.Id);
        WriteAddress(json, destination, isMasked: true);
        json.WriteString("created_at", Timestamp.ToText(destination.CreatedAt));
    }

    /// <summary>The name of the address's type: <c>smtp</c> or <c>webpush</c>.</summary>
    internal static string TypeOf(NotificationDestination destination) => destination.Push is null ? "smtp" : "webpush";

    /// <summary>The SHA-256 of what makes two addresses of a user the same: the mail address without regard to case, or the endpoint.</summary>
    internal static byte[] DigestOf(NotificationDestination destination) =>
        SHA256.HashData(Encoding.UTF8.GetBytes(destination.Push?.Endpoint ?? destination.Mail!.ToUpperInvariant()));

    /// <summary>How the address is shown to others than its owner, and in lists of deliveries.</summary>
    public static string Mask(NotificationDestination destination) =>
        destination.Push is { } push ? Origin(push.Endpoint) : MaskMail(destination.Mail);

    /// <summary>How a mail address is shown: <c>a•••@finance.example</c>.</summary>
    public static string MaskMail(string? mail) =>
        mail is null || mail.LastIndexOf('@') is var at && at < 1 ? "•••" : $"{Rune.GetRuneAt(mail, 0)}•••{mail[at..]}";

    private static string Write(NotificationDestination destination, Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void WriteAddress(Utf8JsonWriter json, NotificationDestination destination, bool isMasked)
    {
        if (destination.Push is { } push)
        {
            json.WriteString("type", "webpush");
            json.WriteString("endpoint", isMasked ? Origin(push.Endpoint) : push.Endpoint);
            if (!isMasked)
            {
                json.WriteStartObject("keys");
                json.WriteString("p256dh", push.P256dh);
                json.WriteString("auth", push.Auth);
                json.WriteEndObject();
            }
        }
        else
        {
            json.WriteString("type", "smtp");
            json.WriteString("address", isMasked ? Mask(destination) : destination.Mail);
        }

        if (destination.Quiet is { } quiet)
        {
            json.WriteStartObject("quiet_hours");
            json.WriteString("from", quiet.From.ToString("HH:mm", CultureInfo.InvariantCulture));
            json.WriteString("until", quiet.Until.ToString("HH:mm", CultureInfo.InvariantCulture));
            json.WriteString("time_zone", quiet.Zone.Id);
            json.WriteEndObject();
        }

        if (destination.MinimumSurprise is { } surprise)
        {
            json.WriteNumber("minimum_surprise", surprise);
        }
    }

    private static string Origin(string endpoint) => Uri.TryCreate(endpoint, UriKind.Absolute, out Uri? uri) ? uri.GetLeftPart(UriPartial.Authority) : "•••";

    private static string? ReadMail(JsonElement json, ValidationErrors errors)
    {
        // One bare address: a name, a group or a second address could put lines into the head of a mail, or receivers behind it.
        if (Text(json, "address") is { Length: <= LongestMail } text
            && !text.Any(c => char.IsControl(c) || char.IsWhiteSpace(c) || c is ',' or ';' or '<' or '>')
            && MailboxAddress.TryParse(text, out MailboxAddress? mailbox) && mailbox.Address == text
            && text.IndexOf('@', StringComparison.Ordinal) is > 0 and var at && text.LastIndexOf('@') == at
            && text[(at + 1)..].Contains('.', StringComparison.Ordinal))
        {
            return text;
        }

        errors.Add("address", "must be one mail address such as someone@finance.example");
        return null;
    }

    private static PushTarget? ReadPush(JsonElement json, ValidationErrors errors)
    {
        string? endpoint = Text(json, "endpoint");
        if (endpoint is null || endpoint.Length > LongestEndpoint || !AddressGuard.IsAllowed(endpoint))
        {
            errors.Add("endpoint", "must be an https address on port 443, without a user name, as the browser gave it");
        }

        string? p256dh = json.TryGetProperty("keys", out JsonElement keys) && keys.ValueKind == JsonValueKind.Object ? Text(keys, "p256dh") : null;
        string? auth = p256dh is null ? null : Text(keys, "auth");
        if (p256dh is null || !Base64Url.TryDecode(p256dh, out byte[] point) || point.Length != 65 || point[0] != 4)
        {
            errors.Add("keys.p256dh", "must be the base64url of the browser's public key, 65 bytes");
        }

        if (auth is null || !Base64Url.TryDecode(auth, out byte[] secret) || secret.Length != 16)
        {
            errors.Add("keys.auth", "must be the base64url of the browser's secret, 16 bytes");
        }

        return errors.IsEmpty ? new PushTarget(endpoint!, p256dh!, auth!) : null;
    }

    private static QuietHours? ReadQuiet(JsonElement json, ValidationErrors errors)
    {
        if (!json.TryGetProperty("quiet_hours", out JsonElement quiet) || quiet.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        if (quiet.ValueKind == JsonValueKind.Object
            && TimeOnly.TryParseExact(Text(quiet, "from"), "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out TimeOnly from)
            && TimeOnly.TryParseExact(Text(quiet, "until"), "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out TimeOnly until)
            && from != until
            && Text(quiet, "time_zone") is { } name && TimeZones.TryFind(name, out TimeZoneInfo? zone))
        {
            return new QuietHours(from, until, zone);
        }

        errors.Add(
            "quiet_hours",
            "must be {\"from\": \"22:00\", \"until\": \"07:00\", \"time_zone\": \"Europe/Berlin\"}, with two different times and a known zone");
        return null;
    }

    private static double? ReadSurprise(JsonElement json, ValidationErrors errors)
    {
        if (!json.TryGetProperty("minimum_surprise", out JsonElement value) || value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        if (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && number is >= 1 and <= 1e12)
        {
            return number;
        }

        errors.Add("minimum_surprise", "must be a number from 1 to 1e12: 1000 tells only what is seen once in a thousand transactions or more rarely");
        return null;
    }

    private static string? Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
