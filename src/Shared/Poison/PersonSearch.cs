using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using FinanceIngest.Queueing;
using FinanceIngest.Transactions;

namespace FinanceIngest.Poison;

/// <summary>
/// Finds a person's number where it could not be told whose it is: in a text that can't be read, or that has another shape than messages of this system. What
/// is found is for somebody to look at, so a number that means something else may be found too, but none that stands there is overlooked.
/// </summary>
internal static class PersonSearch
{
    // What these fields say of a transaction whose user is known is not about anybody else.
    private static readonly string[] s_fields =
    [
        "id", "user_id", "category_id", "amount", "occurred_at", "accepted_at", "traceparent", "replaces", "kind", "level", "minimum_amount", "until",
        "destination", "destination_id",
    ];

    /// <summary>Whether the number stands in a message's text, apart from transactions that are another user's.</summary>
    /// <param name="text">A message's text, of any kind. None makes it throw.</param>
    /// <param name="userId">1 … 2^63−1.</param>
    public static bool StandsIn(string text, long userId)
    {
        byte[] json = [];
        try
        {
            if (MessageText.TryDecode(text, out json))
            {
                using JsonDocument document = JsonDocument.Parse(json);
                return Items(document.RootElement, out JsonElement[] others).Any(item => StandsInItem(item, userId))
                    || others.Any(other => StandsAnywhere(other, userId));
            }
        }
        catch (JsonException)
        {
            // It is searched as it stands.
        }

        return StandsInText(text, userId) || StandsInText(Encoding.UTF8.GetString(json), userId) || StandsInBytes(text, userId);
    }

    /// <summary>Whether the number stands in any text as a whole number.</summary>
    public static bool StandsInText(string text, long userId) => Number(userId).IsMatch(text);

    // The encodings whose letters are two or four bytes have the letters' own bytes with zeros between them.
    private static bool StandsInBytes(string text, long userId)
    {
        byte[] bytes = new byte[text.Length];
        string letters = Convert.TryFromBase64String(text, bytes, out int length) ? Encoding.Latin1.GetString(bytes, 0, length) : text;
        return letters.Contains('\0', StringComparison.Ordinal) && StandsIn(letters.Replace("\0", "", StringComparison.Ordinal), userId);
    }

    private static JsonElement[] Items(JsonElement root, out JsonElement[] others)
    {
        others = [];
        if (root.ValueKind == JsonValueKind.Array)
        {
            return [.. root.EnumerateArray()];
        }

        JsonProperty[] properties = root.ValueKind == JsonValueKind.Object ? [.. root.EnumerateObject()] : [];
        JsonElement[] lists =
        [
            .. ((string[])["transactions", "commands"]).Select(name => properties.LastOrDefault(property => NameOf(property) == name).Value)
                .Where(list => list.ValueKind == JsonValueKind.Array),
        ];
        if (lists.Length == 0)
        {
            return [root];
        }

        others = [.. properties.Where(property => NameOf(property) is not ("transactions" or "commands" or "v" or "traceparent")).Select(item => item.Value)];
        return [.. lists.SelectMany(list => list.EnumerateArray())];
    }

    private static bool StandsInItem(JsonElement item, long userId)
    {
        bool isOfAnother = item.ValueKind == JsonValueKind.Object
            && item.EnumerateObject().Any(property => NameOf(property) == "user_id" && IsUser(property.Value));
        return isOfAnother
            ? item.EnumerateObject().Any(property => !s_fields.Contains(NameOf(property)) && StandsIn(property, userId))
            : StandsAnywhere(item, userId);
    }

    // The person's own transactions have been taken out by now.
    private static bool IsUser(JsonElement value) => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long user) && user > 0;

    private static bool StandsAnywhere(JsonElement value, long userId) => value.ValueKind switch
    {
        JsonValueKind.Object => value.EnumerateObject().Any(property => StandsIn(property, userId)),
        JsonValueKind.Array => value.EnumerateArray().Any(item => StandsAnywhere(item, userId)),
        JsonValueKind.Number => decimal.TryParse(value.GetRawText(), NumberStyles.Float, CultureInfo.InvariantCulture, out decimal number) && number == userId,
        JsonValueKind.String => StandsInString(TextOf(value), userId),
        _ => false,
    };

    private static bool StandsIn(JsonProperty property, long userId) => StandsInText(NameOf(property), userId) || StandsAnywhere(property.Value, userId);

    // An id or a time has digits of its own.
    private static bool StandsInString(string text, long userId) =>
        !Guid.TryParse(text, out _) && !Timestamp.TryParseRfc3339(text, out _) && StandsInText(text, userId);

    // JSON's grammar allows strings with half a surrogate pair ("\uD800"), for which System.Text.Json throws; they are searched as they are written.
    private static string TextOf(JsonElement value)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            return value.GetRawText();
        }
    }

    private static string NameOf(JsonProperty property)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException)
        {
            return "";
        }
    }

    // Not a part of a longer number, and not the decimals of one.
    private static Regex Number(long userId) => new(
        string.Create(CultureInfo.InvariantCulture, $@"(?<!\d)(?<!\d\.)0*{userId}(?!\d)"), RegexOptions.CultureInvariant);
}
