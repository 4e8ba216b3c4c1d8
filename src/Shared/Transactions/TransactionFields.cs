using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;

namespace FinanceIngest.Transactions;

/// <summary>
/// The fields of one transaction as read from JSON, on the HTTP API and on the queue alike: what could be read, and what is
/// wrong with the rest. Unknown fields are skipped; <c>null</c> is absent; a field given twice is an error. Each side has fields that the
/// other does not know: a client's own <c>id</c> means nothing to the API.
/// </summary>
internal sealed class TransactionFields
{
    /// <summary>Longest idempotency key in Unicode code points.</summary>
    public const int MaximumKeyLength = 255;

    // Longer ones, with more digits than anybody needs, are read by way of a string.
    private const int MaximumTimeLength = 64;

    [Flags]
    private enum Seen
    {
        None = 0,
        Id = 1,
        UserId = 2,
        CategoryId = 4,
        Amount = 8,
        OccurredAt = 16,
        AcceptedAt = 32,
        IdempotencyKey = 64,
        Submitted = UserId | CategoryId | Amount | OccurredAt | IdempotencyKey,
        Queued = UserId | CategoryId | Amount | OccurredAt | Id | AcceptedAt,
    }

    /// <summary>Envelope only.</summary>
    public Guid? Id { get; private set; }

    /// <summary>1 … 2^63−1.</summary>
    public long? UserId { get; private set; }

    /// <summary>1 … 2^63−1.</summary>
    public long? CategoryId { get; private set; }

    /// <summary>The amount.</summary>
    internal Money? Amount { get; private set; }

    /// <summary>UTC, whole microseconds.</summary>
    public DateTime? OccurredAt { get; private set; }

    /// <summary>Envelope only. UTC, whole microseconds.</summary>
    public DateTime? AcceptedAt { get; private set; }

    /// <summary>HTTP only: 1 … 255 characters.</summary>
    public string? IdempotencyKey { get; private set; }

    /// <summary>What is wrong; null when nothing is.</summary>
    public ValidationErrors? Errors { get; private set; }

    /// <summary>Reads a submitted transaction: the value at which the reader stands, which it leaves at that value's end.</summary>
    /// <exception cref="JsonException">The JSON is malformed.</exception>
    public static TransactionFields Read(ref Utf8JsonReader reader)
    {
        var fields = new TransactionFields();
        fields.Read(ref reader, Seen.Submitted);
        return fields;
    }

    /// <summary>Reads the next submitted transaction likewise, into these fields: what they held is forgotten, so that a batch needs only one of them.</summary>
    /// <exception cref="JsonException">The JSON is malformed.</exception>
    public void ReadNext(ref Utf8JsonReader reader)
    {
        UserId = CategoryId = null;
        Amount = null;
        OccurredAt = null;
        IdempotencyKey = null;
        Errors = null;
        Read(ref reader, Seen.Submitted);
    }

    /// <summary>Reads a transaction of a message on the inbound queue, likewise.</summary>
    /// <exception cref="JsonException">The JSON is malformed.</exception>
    public static TransactionFields ReadQueued(ref Utf8JsonReader reader)
    {
        var fields = new TransactionFields();
        fields.Read(ref reader, Seen.Queued);
        return fields;
    }

    private void Read(ref Utf8JsonReader reader, Seen known)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            AddError(ValidationErrors.Whole, "must be an object");
            reader.Skip();
            return;
        }

        Seen seen = Seen.None;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            Seen field = Recognise(ref reader) & known;
            reader.Read();
            if (field == Seen.None)
            {
                reader.Skip();
                continue;
            }

            if ((seen & field) != 0)
            {
                AddError(NameOf(field), "is given twice");
            }

            seen |= field;
            ReadField(field, ref reader);
        }

        Require(UserId is null, "user_id");
        Require(CategoryId is null, "category_id");
        Require(Amount is null, "amount");
    }

    /// <summary>Adds what a caller found wrong beyond the grammar.</summary>
    public void AddError(string field, string message) => (Errors ??= new ValidationErrors()).Add(field, message);

    private static Seen Recognise(ref Utf8JsonReader reader)
    {
        if (IsPlain(ref reader))
        {
            return NameOf(reader.ValueSpan);
        }

        try
        {
            return NameOf(Encoding.UTF8.GetBytes(reader.GetString()!));
        }
        catch (InvalidOperationException)
        {
            // A name that is not Unicode, such as "\uD800", is none of ours.
            return Seen.None;
        }
    }

    // By length first: one comparison a name.
    private static Seen NameOf(ReadOnlySpan<byte> name) => name.Length switch
    {
        2 when name.SequenceEqual("id"u8) => Seen.Id,
        6 when name.SequenceEqual("amount"u8) => Seen.Amount,
        7 when name.SequenceEqual("user_id"u8) => Seen.UserId,
        11 when name.SequenceEqual("category_id"u8) => Seen.CategoryId,
        11 when name.SequenceEqual("occurred_at"u8) => Seen.OccurredAt,
        11 when name.SequenceEqual("accepted_at"u8) => Seen.AcceptedAt,
        15 when name.SequenceEqual("idempotency_key"u8) => Seen.IdempotencyKey,
        _ => Seen.None,
    };

    private static string NameOf(Seen field) => field switch
    {
        Seen.Id => "id",
        Seen.UserId => "user_id",
        Seen.CategoryId => "category_id",
        Seen.Amount => "amount",
        Seen.OccurredAt => "occurred_at",
        Seen.AcceptedAt => "accepted_at",
        _ => "idempotency_key",
    };

    private void ReadField(Seen field, ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.Null)
        {
            return;
        }

        switch (field)
        {
            case Seen.Id:
                Id = ReadId(ref reader);
                break;
            case Seen.UserId:
                UserId = ReadInteger("user_id", ref reader);
                break;
            case Seen.CategoryId:
                CategoryId = ReadInteger("category_id", ref reader);
                break;
            case Seen.Amount:
                Amount = ReadAmount(ref reader);
                break;
            case Seen.OccurredAt:
                OccurredAt = ReadTime("occurred_at", ref reader);
                break;
            case Seen.AcceptedAt:
                AcceptedAt = ReadTime("accepted_at", ref reader);
                break;
            case Seen.IdempotencyKey:
                IdempotencyKey = ReadKey(ref reader);
                break;
        }
    }

    private Guid? ReadId(ref Utf8JsonReader reader)
    {
        // The parser takes what has 36 characters and then no more.
        if (reader.TokenType == JsonTokenType.String && (IsPlain(ref reader)
            ? Utf8Parser.TryParse(reader.ValueSpan, out Guid id, out int consumed) && consumed == reader.ValueSpan.Length
            : Guid.TryParseExact(Text(ref reader), "D", out id)))
        {
            return id;
        }

        AddError("id", "must be a UUID");
        reader.Skip();
        return null;
    }

    private long? ReadInteger(string name, ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.Number)
        {
            AddError(name, "must be an integer");
            reader.Skip();
            return null;
        }

        ReadOnlySpan<byte> text = reader.ValueSpan;
        if (Utf8Parser.TryParse(text, out long value, out int consumed) && consumed == text.Length && value >= 1)
        {
            return value;
        }

        AddError(name, text.IndexOfAny((byte)'.', (byte)'e', (byte)'E') >= 0
            ? "must be an integer, written without decimals or exponent"
            : "must be from 1 to 9223372036854775807");
        return null;
    }

    private Money? ReadAmount(ref Utf8JsonReader reader)
    {
        Money amount;
        Money.ParseError error;
        switch (reader.TokenType)
        {
            case JsonTokenType.Number:
                error = Money.TryParse(reader.ValueSpan, out amount);
                break;
            case JsonTokenType.String:
                error = IsPlain(ref reader) ? Money.TryParse(reader.ValueSpan, out amount) : Money.TryParse(Text(ref reader).AsSpan(), out amount);
                break;
            default:
                AddError("amount", "must be a number, or a number in a string");
                reader.Skip();
                return null;
        }

        if (error == Money.ParseError.None)
        {
            return amount;
        }

        AddError("amount", error switch
        {
            Money.ParseError.TooManyDecimals => "must have at most four decimals",
            Money.ParseError.OutOfRange => "must be from -922337203685477.5807 to 922337203685477.5807",
            _ => "must be a number, or a number in a string",
        });
        return null;
    }

    private DateTime? ReadTime(string name, ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.String)
        {
            Span<char> characters = stackalloc char[MaximumTimeLength];
            ReadOnlySpan<char> text = IsPlain(ref reader) && reader.ValueSpan.Length <= MaximumTimeLength
                && Ascii.ToUtf16(reader.ValueSpan, characters, out int length) == OperationStatus.Done
                ? characters[..length]
                : Text(ref reader);
            if (Timestamp.TryParseRfc3339(text, out DateTime instant))
            {
                return instant;
            }
        }

        AddError(name, "must be an RFC 3339 date and time with offset, such as 2026-01-31T12:00:00Z");
        reader.Skip();
        return null;
    }

    private string? ReadKey(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.String)
        {
            AddError("idempotency_key", "must be a string");
            reader.Skip();
            return null;
        }

        if (Text(ref reader) is not { } key)
        {
            AddError("idempotency_key", "must be Unicode text");
            return null;
        }

        if (IsLegalKey(key))
        {
            return key;
        }

        AddError("idempotency_key", $"must have 1 to {MaximumKeyLength} characters");
        return null;
    }

    // As it stands in the text, without escapes: it needs no string of its own.
    private static bool IsPlain(ref Utf8JsonReader reader) => !reader.ValueIsEscaped && !reader.HasValueSequence;

    // JSON's grammar lets a string hold half a surrogate pair ("\uD800"): no text, so null.
    private static string? Text(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>Whether a text has 1 … 255 code points.</summary>
    public static bool IsLegalKey(string key) =>
        key.Length is > 0 and <= 2 * MaximumKeyLength && (key.Length <= MaximumKeyLength || CountRunes(key) <= MaximumKeyLength);

    private static int CountRunes(string text)
    {
        int count = 0;
        foreach (Rune _ in text.EnumerateRunes())
        {
            count++;
        }

        return count;
    }

    private void Require(bool missing, string name)
    {
        if (missing && Errors?.Messages.ContainsKey(name) != true)
        {
            AddError(name, "is required");
        }
    }
}
