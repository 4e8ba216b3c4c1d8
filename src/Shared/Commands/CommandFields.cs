using System.Runtime.InteropServices;
using System.Text.Json;
using FinanceIngest.Transactions;

namespace FinanceIngest.Commands;

/// <summary>
/// The fields of a JSON object that asks for something: of a command on the queue, or of a request. A field that is <c>null</c> counts as absent, unknown
/// fields are ignored, and one that is given twice is an error. Errors are gathered by field.
/// </summary>
internal sealed class CommandFields
{
    private readonly Dictionary<string, JsonElement> _fields = new(StringComparer.Ordinal);

    /// <param name="value">Any JSON value; one that is no object has no field, and an error.</param>
    public CommandFields(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            Errors.Add(ValidationErrors.Whole, "must be an object");
            return;
        }

        foreach (JsonProperty property in value.EnumerateObject())
        {
            string name = NameOf(property);
            if (_fields.ContainsKey(name))
            {
                Errors.Add(name, "is given twice");
            }

            _fields[name] = property.Value;
        }
    }

    /// <summary>What is wrong, by field.</summary>
    public ValidationErrors Errors { get; } = new();

    /// <summary>A whole number, 1 … 2^63−1; null where it is absent or wrong.</summary>
    public long? Number(string name, bool isRequired = false) =>
        Find(name, isRequired) is not { } value ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number) && number >= 1 ? number
        : Wrong<long>(name, "must be a whole number from 1 to 9223372036854775807");

    /// <summary>A uuid with hyphens; null where it is absent or wrong.</summary>
    public Guid? Uuid(string name, bool isRequired = false) =>
        Find(name, isRequired) is not { } value ? null
        : Guid.TryParseExact(TextOf(value), "D", out Guid id) ? id
        : Wrong<Guid>(name, "must be a UUID");

    /// <summary>An RFC 3339 date and time with offset, as UTC in whole microseconds; null where it is absent or wrong.</summary>
    public DateTime? Time(string name, bool isRequired = false) =>
        Find(name, isRequired) is not { } value ? null
        : TextOf(value) is { } text && Timestamp.TryParseRfc3339(text, out DateTime instant) ? instant
        : Wrong<DateTime>(name, "must be an RFC 3339 date and time with offset, such as 2026-01-31T12:00:00Z");

    /// <summary>An amount of at least zero, as a number or as a text; null where it is absent or wrong.</summary>
    public Money? Amount(string name)
    {
        if (Find(name, isRequired: false) is not { } value)
        {
            return null;
        }

        Money amount = default;
        Money.ParseError error = value.ValueKind == JsonValueKind.Number ? Money.TryParse(JsonMarshal.GetRawUtf8Value(value), out amount)
            : TextOf(value) is { } text ? Money.TryParse(text.AsSpan(), out amount)
            : Money.ParseError.NotANumber;
        return error == Money.ParseError.None && amount.Units >= 0
            ? amount
            : Wrong<Money>(name, "must be a number from 0 to 922337203685477.5807 with at most four decimals, or the same in a string");
    }

    /// <summary>One of some words; null where it is absent or wrong.</summary>
    public string? Word(string name, IReadOnlyList<string> words, bool isRequired)
    {
        if (Find(name, isRequired) is not { } value)
        {
            return null;
        }

        if (TextOf(value) is { } text && words.Contains(text, StringComparer.Ordinal))
        {
            return text;
        }

        Errors.Add(name, $"must be one of {string.Join(", ", words)}");
        return null;
    }

    /// <summary>The text of a JSON object within this one, which is required; null where it is absent, wrong, or longer than that.</summary>
    public string? Object(string name, int longest)
    {
        if (Find(name, isRequired: true) is not { } value)
        {
            return null;
        }

        if (value.ValueKind == JsonValueKind.Object && value.GetRawText() is { } text && text.Length <= longest)
        {
            return text;
        }

        Errors.Add(name, $"must be an object of at most {longest} characters");
        return null;
    }

    private JsonElement? Find(string name, bool isRequired)
    {
        if (_fields.TryGetValue(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null)
        {
            return value;
        }

        if (isRequired && !Errors.Messages.ContainsKey(ValidationErrors.Whole))
        {
            Errors.Add(name, "is required");
        }

        return null;
    }

    private T? Wrong<T>(string name, string message)
        where T : struct
    {
        Errors.Add(name, message);
        return null;
    }

    // JSON's grammar allows names and strings with half a surrogate pair ("\uD800"), which are no Unicode text; they are read as another name, and as none.
    private static string NameOf(JsonProperty property)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException)
        {
            return "?";
        }
    }

    private static string? TextOf(JsonElement value)
    {
        try
        {
            return value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
