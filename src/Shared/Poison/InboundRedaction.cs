using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using FinanceIngest.Queueing;
using FinanceIngest.Transactions;

namespace FinanceIngest.Poison;

/// <summary>A message of the inbound queue without a person's transactions.</summary>
internal sealed record Redaction
{
    /// <summary>Ids of the person's transactions in it.</summary>
    public IReadOnlyList<Guid> Removed { get; init; } = [];

    /// <summary>Whether it holds a transaction of the person's.</summary>
    public bool IsConcerned { get; init; }

    /// <summary>The message's new text; null when nothing remains that is worth one, or when it is not concerned.</summary>
    public string? Remainder { get; init; }

    /// <summary>Whether it can't be read, and the person's number stands somewhere in it.</summary>
    public bool IsSuspect { get; init; }
}

/// <summary>Takes a person's transactions out of a message's text. What remains of it remains as it was written.</summary>
internal static class InboundRedaction
{
    /// <summary>The message without the user's transactions. Never throws for what a text may hold.</summary>
    /// <param name="text">Base64 or JSON, an envelope or a bare object.</param>
    /// <param name="userId">The user.</param>
    /// <param name="queue">The inbound queue's name; with the message's id it makes the ids of transactions that have none.</param>
    /// <param name="messageId">The message's id on that queue.</param>
    /// <param name="ids">Makes ids.</param>
    public static Redaction Without(string text, long userId, string queue, string messageId, IdCertifier ids)
    {
        byte[] json = [];
        try
        {
            if (MessageText.TryDecode(text, out json))
            {
                using JsonDocument document = JsonDocument.Parse(json);
                return Without(document.RootElement, userId, index => ids.ForMessage(queue, messageId, index));
            }
        }
        catch (JsonException)
        {
            // Whose it is can't be told.
        }

        string number = userId.ToString(CultureInfo.InvariantCulture);
        return new Redaction { IsSuspect = text.Contains(number, StringComparison.Ordinal) || Encoding.UTF8.GetString(json).Contains(number, StringComparison.Ordinal) };
    }

    private static Redaction Without(JsonElement root, long userId, Func<int, Guid> derivedId)
    {
        JsonElement[]? items = root.ValueKind switch
        {
            JsonValueKind.Array => [.. root.EnumerateArray()],
            JsonValueKind.Object => root.EnumerateObject().LastOrDefault(property => IsNamed(property, "transactions")) is { Value.ValueKind: JsonValueKind.Array } list
                ? [.. list.Value.EnumerateArray()]
                : null,
            _ => null,
        };
        if (items is null)
        {
            return IsOf(root, userId) ? new Redaction { IsConcerned = true, Removed = [IdOf(root, 0, derivedId)] } : new Redaction();
        }

        bool[] isOf = [.. items.Select(item => IsOf(item, userId))];
        if (!isOf.Contains(true))
        {
            return new Redaction();
        }

        return new Redaction
        {
            IsConcerned = true,
            Removed = [.. items.Index().Where(item => isOf[item.Index]).Select(item => IdOf(item.Item, item.Index, derivedId))],
            Remainder = isOf.Contains(false) ? Write(root, items, isOf, derivedId) : null,
        };
    }

    // Names and values are copied, not read and written again: what JSON's grammar takes and Unicode does not, or an escape, remains as it was written.
    private static string Write(JsonElement root, JsonElement[] items, bool[] isOf, Func<int, Guid> derivedId)
    {
        var json = new ArrayBufferWriter<byte>();
        if (root.ValueKind == JsonValueKind.Array)
        {
            WriteItems(json, items, isOf, derivedId);
        }
        else
        {
            json.Write("{"u8);
            foreach (JsonProperty property in root.EnumerateObject().Where(property => !IsNamed(property, "transactions")))
            {
                WriteProperty(json, property);
                json.Write(","u8);
            }

            json.Write("\"transactions\":"u8);
            WriteItems(json, items, isOf, derivedId);
            json.Write("}"u8);
        }

        return MessageText.Encode(json.WrittenSpan);
    }

    private static void WriteItems(ArrayBufferWriter<byte> json, JsonElement[] items, bool[] isOf, Func<int, Guid> derivedId)
    {
        ReadOnlySpan<byte> separator = "["u8;
        foreach ((int index, JsonElement item) in items.Index().Where(item => !isOf[item.Index]))
        {
            json.Write(separator);
            separator = ","u8;
            if (item.ValueKind != JsonValueKind.Object || item.EnumerateObject().Any(property => IsNamed(property, "id")))
            {
                json.Write(JsonMarshal.GetRawUtf8Value(item));
                continue;
            }

            // Its id derives from its place, which changes: from now on it has the id of its failed row.
            json.Write("{\"id\":\""u8);
            Encoding.UTF8.GetBytes(derivedId(index).ToString(), json);
            json.Write("\""u8);
            foreach (JsonProperty property in item.EnumerateObject())
            {
                json.Write(","u8);
                WriteProperty(json, property);
            }

            json.Write("}"u8);
        }

        json.Write("]"u8);
    }

    private static void WriteProperty(ArrayBufferWriter<byte> json, JsonProperty property)
    {
        json.Write("\""u8);
        json.Write(JsonMarshal.GetRawUtf8PropertyName(property));
        json.Write("\":"u8);
        json.Write(JsonMarshal.GetRawUtf8Value(property.Value));
    }

    // Also where the number is not as it should be: "399", 399.0, given twice.
    private static bool IsOf(JsonElement item, long userId) =>
        item.ValueKind == JsonValueKind.Object && item.EnumerateObject().Any(property => IsNamed(property, "user_id")
            && property.Value.ValueKind is JsonValueKind.Number or JsonValueKind.String
            && decimal.TryParse(TextOf(property.Value), NumberStyles.Float, CultureInfo.InvariantCulture, out decimal value) && value == userId);

    private static Guid IdOf(JsonElement item, int index, Func<int, Guid> derivedId) =>
        item.EnumerateObject().LastOrDefault(property => IsNamed(property, "id")) is { Value: { ValueKind: JsonValueKind.String } id }
            && Guid.TryParseExact(TextOf(id), "D", out Guid given)
            ? given
            : derivedId(index);

    // JSON's grammar lets a name, or a text, hold half a surrogate pair ("\uD800"), which is no Unicode: no name of ours, and no text.
    private static bool IsNamed(JsonProperty property, string name)
    {
        try
        {
            return property.NameEquals(name);
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private static string? TextOf(JsonElement value)
    {
        try
        {
            return value.ToString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
