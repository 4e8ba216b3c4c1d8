using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using FinanceIngest.Queueing;
using FinanceIngest.Transactions;

namespace FinanceIngest.Poison;

/// <summary>The result of taking a person's transactions out of a message of the inbound queue.</summary>
internal sealed record Redaction
{
    /// <summary>Ids of the transactions that were taken out.</summary>
    public IReadOnlyList<Guid> Removed { get; init; } = [];

    /// <summary>Whether the message holds a transaction or a command of the person.</summary>
    public bool IsConcerned { get; init; }

    /// <summary>
    /// The texts that replace the message's, each short enough for a queue; empty when it holds no transactions of others, or none of the person. There are
    /// several where the ids that are written into what remains make it too long for one message.
    /// </summary>
    public IReadOnlyList<string> Remainder { get; init; } = [];

    /// <summary>Whether the message can't be read and contains the person's number somewhere.</summary>
    public bool IsSuspect { get; init; }
}

/// <summary>Takes a person's transactions and commands out of a message's text. The rest of the text keeps its exact spelling.</summary>
internal static class InboundRedaction
{
    /// <summary>Takes the user's transactions, and the commands that name the user, out of a message's text. No text makes it throw.</summary>
    /// <param name="text">JSON, or JSON in base64; an envelope or a single object.</param>
    /// <param name="userId">1 … 2^63−1.</param>
    /// <param name="queue">The inbound queue's name. Transactions without an id get one that derives from it and from the message's id.</param>
    /// <param name="messageId">The message's id on that queue.</param>
    /// <param name="ids">Derives these ids.</param>
    public static Redaction Without(string text, long userId, string queue, string messageId, IdCertifier ids)
    {
        byte[] json = [];
        try
        {
            if (MessageText.TryDecode(text, out json))
            {
                using JsonDocument document = JsonDocument.Parse(json);
                var form = new Form(IsJson: text.AsSpan().TrimStart("\uFEFF \t\r\n") is ['{' or '[', ..]);
                return Without(document.RootElement, userId, new Ids(queue, messageId, ids), form);
            }
        }
        catch (JsonException)
        {
            // The text can't be read, so its transactions can't be told apart.
        }

        string number = userId.ToString(CultureInfo.InvariantCulture);
        bool containsNumber = text.Contains(number, StringComparison.Ordinal) || Encoding.UTF8.GetString(json).Contains(number, StringComparison.Ordinal);
        return new Redaction { IsSuspect = containsNumber };
    }

    private static Redaction Without(JsonElement root, long userId, Ids ids, Form form)
    {
        bool isBare = root.ValueKind == JsonValueKind.Array;
        JsonElement[]? items = isBare ? [.. root.EnumerateArray()] : ListIn(root, "transactions");
        JsonElement[]? commands = ListIn(root, "commands");
        if (items is null && commands is null)
        {
            return IsOf(root, userId) ? new Redaction { IsConcerned = true, Removed = [ids.Of(root, 0, isBare: true)] } : new Redaction();
        }

        items ??= [];
        bool[] isOf = [.. items.Select(item => IsOf(item, userId))];
        JsonElement[]? others = commands is null ? null : [.. commands.Where(command => !IsOf(command, userId) || IsErasure(command))];
        if (!isOf.Contains(true) && others?.Length == commands?.Length)
        {
            return new Redaction();
        }

        return new Redaction
        {
            IsConcerned = true,
            Removed = [.. items.Index().Where(item => isOf[item.Index]).Select(item => ids.Of(item.Item, item.Index, isBare))],
            Remainder = isOf.Contains(false) ? Write(root, others, items, isOf, ids, form)
                : others?.Length > 0 ? [Form.TextOf([.. HeadOf(root, others), .. "]}"u8])]
                : [],
        };
    }

    private static JsonElement[]? ListIn(JsonElement root, string name) =>
        root.ValueKind == JsonValueKind.Object
        && root.EnumerateObject().LastOrDefault(property => IsNamed(property, name)) is { Value.ValueKind: JsonValueKind.Array } list
            ? [.. list.Value.EnumerateArray()]
            : null;

    // The command that erases the person stays: it is what erases him.
    private static bool IsErasure(JsonElement command) =>
        command.EnumerateObject().LastOrDefault(property => IsNamed(property, "kind")) is { Value: { ValueKind: JsonValueKind.String } kind }
        && TextOf(kind) == "erase_user";

    // Names and values are copied as raw bytes. Reading and writing them would change escapes, and fail for strings that are legal JSON but no Unicode.
    private static List<string> Write(JsonElement root, JsonElement[]? commands, JsonElement[] items, bool[] isOf, Ids ids, Form form)
    {
        bool isBare = root.ValueKind == JsonValueKind.Array;
        (byte[] head, byte[] tail) = isBare ? ("["u8.ToArray(), "]"u8.ToArray()) : (HeadOf(root, commands), "]}"u8.ToArray());
        var texts = new List<string>();
        var json = new ArrayBufferWriter<byte>();
        foreach ((int index, JsonElement item) in items.Index().Where(item => !isOf[item.Index]))
        {
            byte[] written = WithId(item, index, ids, isBare);
            if (head.Length + written.Length + tail.Length > form.MaximumJsonLength)
            {
                return [InPlace(head, items, isOf, tail, form)];
            }

            if (json.WrittenCount > 0 && json.WrittenCount + 1 + written.Length + tail.Length > form.MaximumJsonLength)
            {
                json.Write(tail);
                texts.Add(Form.TextOf(json.WrittenSpan));
                json.ResetWrittenCount();
            }

            json.Write(json.WrittenCount == 0 ? head : ","u8);
            json.Write(written);
        }

        json.Write(tail);
        texts.Add(Form.TextOf(json.WrittenSpan));
        return texts;
    }

    // Every text that a message becomes has the commands: carrying one out again changes nothing.
    private static byte[] HeadOf(JsonElement envelope, JsonElement[]? commands)
    {
        var json = new ArrayBufferWriter<byte>();
        json.Write("{"u8);
        foreach (JsonProperty property in envelope.EnumerateObject()
            .Where(property => !IsNamed(property, "transactions") && !(commands is not null && IsNamed(property, "commands"))))
        {
            WriteProperty(json, property);
            json.Write(","u8);
        }

        if (commands?.Length > 0)
        {
            json.Write("\"commands\":["u8);
            foreach ((int index, JsonElement command) in commands.Index())
            {
                json.Write(index == 0 ? [] : ","u8);
                json.Write(JsonMarshal.GetRawUtf8Value(command));
            }

            json.Write("],"u8);
        }

        json.Write("\"transactions\":["u8);
        return json.WrittenSpan.ToArray();
    }

    // A derived id depends on the item's index, which changes here. The item keeps the id of its failed row when that id is written into it.
    private static byte[] WithId(JsonElement item, int index, Ids ids, bool isBare)
    {
        if (item.ValueKind != JsonValueKind.Object || ids.Has(item, isBare))
        {
            return JsonMarshal.GetRawUtf8Value(item).ToArray();
        }

        var json = new ArrayBufferWriter<byte>();
        json.Write("{\"id\":\""u8);
        Encoding.UTF8.GetBytes(ids.Of(item, index, isBare).ToString(), json);
        json.Write("\""u8);
        foreach (JsonProperty property in item.EnumerateObject().Where(property => !IsNamed(property, "id")))
        {
            json.Write(","u8);
            WriteProperty(json, property);
        }

        json.Write("}"u8);
        return json.WrittenSpan.ToArray();
    }

    // Where one item and its id fill more than a message, no item may change its place instead: a zero stands where each of the person's stood, and no text
    // gets longer. A zero is no transaction, so the message stays poison, which a person looks at.
    private static string InPlace(byte[] head, JsonElement[] items, bool[] isOf, byte[] tail, Form form)
    {
        var json = new ArrayBufferWriter<byte>();
        json.Write(head);
        foreach ((int index, JsonElement item) in items.Index())
        {
            json.Write(index == 0 ? [] : ","u8);
            json.Write(isOf[index] ? "0"u8 : JsonMarshal.GetRawUtf8Value(item));
        }

        json.Write(tail);
        return Form.TextOf(json.WrittenSpan);
    }

    private static void WriteProperty(ArrayBufferWriter<byte> json, JsonProperty property)
    {
        json.Write("\""u8);
        json.Write(JsonMarshal.GetRawUtf8PropertyName(property));
        json.Write("\":"u8);
        json.Write(JsonMarshal.GetRawUtf8Value(property.Value));
    }

    // Finds the number also in spellings that the intake refuses: "399", 399.0, a field given twice.
    private static bool IsOf(JsonElement item, long userId) =>
        item.ValueKind == JsonValueKind.Object && item.EnumerateObject().Any(property => IsNamed(property, "user_id")
            && property.Value.ValueKind is JsonValueKind.Number or JsonValueKind.String
            && decimal.TryParse(TextOf(property.Value), NumberStyles.Float, CultureInfo.InvariantCulture, out decimal value) && value == userId);

    // JSON's grammar allows names and strings with half a surrogate pair ("\uD800"), for which System.Text.Json throws.
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

    /// <summary>What texts a message may become: base64, or, where the message was JSON as it is, and base64 is too long, JSON again.</summary>
    private readonly record struct Form(bool IsJson)
    {
        public int MaximumJsonLength => IsJson ? MessageText.MaximumLength : MessageText.MaximumJsonLength;

        public static string TextOf(ReadOnlySpan<byte> json) =>
            json.Length <= MessageText.MaximumJsonLength ? MessageText.Encode(json) : Encoding.UTF8.GetString(json);
    }

    /// <summary>The ids of a message's transactions, as <see cref="EnvelopeReader"/> gives them.</summary>
    private sealed class Ids(string queue, string messageId, IdCertifier certifier)
    {
        /// <summary>Whether an item has an id of its own. In a bare item only an issued one counts; in an envelope any does, though it may be forged.</summary>
        public bool Has(JsonElement item, bool isBare) =>
            isBare ? Given(item) is { } id && certifier.IsIssued(id) : item.EnumerateObject().Any(property => IsNamed(property, "id"));

        public Guid Of(JsonElement item, int index, bool isBare) =>
            Given(item) is { } id && (!isBare || certifier.IsIssued(id)) ? id : certifier.ForMessage(queue, messageId, index);

        private static Guid? Given(JsonElement item) =>
            item.EnumerateObject().LastOrDefault(property => IsNamed(property, "id")) is { Value: { ValueKind: JsonValueKind.String } id }
                && Guid.TryParseExact(TextOf(id), "D", out Guid given)
                ? given
                : null;
    }
}
