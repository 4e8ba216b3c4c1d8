using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;

namespace FinanceIngest.Transactions;

/// <summary>
/// The fields of one transaction as read from JSON, with the errors of the fields that could not be read. The HTTP API and the inbound queue have the same
/// grammar but not the same fields: an <c>id</c> in a request is unknown. Unknown fields are skipped, <c>null</c> counts as absent, and a field that is given
/// twice is an error.
/// </summary>
internal sealed class TransactionFields
{
    /// <summary>Longest idempotency key in Unicode code points.</summary>
    public const int MaximumKeyLength = 255;

    // Longer times have digits that are cut off anyway; they are read by way of a string.
    private const int MaximumTimeLength = 64;

    private bool _roundAmount;

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
        Replaces = 128,
        Submitted = UserId | CategoryId | Amount | OccurredAt | IdempotencyKey | Replaces,
        Bare = UserId | CategoryId | Amount | OccurredAt | Id,
        Queued = UserId | CategoryId | Amount | OccurredAt | Id | AcceptedAt | Replaces,
    }

    /// <summary>How far in the future <c>occurred_at</c> may be, since clocks differ and time zones get mistaken.</summary>
    public static readonly TimeSpan MaximumFuture = TimeSpan.FromHours(24);

    /// <summary>The error of a time beyond <see cref="MaximumFuture"/>.</summary>
    public const string InTheFuture = "must not be more than 24 hours in the future";

    /// <summary>The error of an id that no transaction of this installation has.</summary>
    public const string NotIssued = "was not issued by this installation";

    // Whether another program wrote the transaction: its id may be anything, and its amount may have a float's noise.
    private bool _isBare;

    /// <summary>The transaction's id; read from the queue only.</summary>
    public Guid? Id { get; private set; }

    /// <summary>1 … 2^63−1.</summary>
    public long? UserId { get; private set; }

    /// <summary>1 … 2^63−1.</summary>
    public long? CategoryId { get; private set; }

    /// <summary>The amount; may be zero or negative.</summary>
    internal Money? Amount { get; private set; }

    /// <summary>UTC, whole microseconds.</summary>
    public DateTime? OccurredAt { get; private set; }

    /// <summary>UTC, whole microseconds; read from the queue only.</summary>
    public DateTime? AcceptedAt { get; private set; }

    /// <summary>1 … 255 Unicode code points; read from HTTP requests only.</summary>
    public string? IdempotencyKey { get; private set; }

    /// <summary>The id of the transaction that this one replaces.</summary>
    public Guid? Replaces { get; private set; }

    /// <summary>The errors by field; null when there are none.</summary>
    public ValidationErrors? Errors { get; private set; }

    /// <summary>Reads a transaction of an HTTP request from the JSON value at the reader's position, and leaves the reader at the end of that value.</summary>
    /// <param name="reader">Stands at the value's first token.</param>
    /// <param name="roundAmount">Whether an amount that is a number is rounded half-even to four decimals; one that is a string never is.</param>
    /// <exception cref="JsonException">The JSON is malformed.</exception>
    public static TransactionFields Read(ref Utf8JsonReader reader, bool roundAmount = false)
    {
        var fields = new TransactionFields { _roundAmount = roundAmount };
        fields.Read(ref reader, Seen.Submitted);
        return fields;
    }

    /// <summary>Reads another transaction of an HTTP request and replaces all fields of this instance, so that a batch needs only one instance.</summary>
    /// <exception cref="JsonException">The JSON is malformed.</exception>
    public void ReadNext(ref Utf8JsonReader reader)
    {
        UserId = CategoryId = null;
        Amount = null;
        OccurredAt = null;
        IdempotencyKey = null;
        Replaces = null;
        Errors = null;
        Read(ref reader, Seen.Submitted);
    }

    /// <summary>Reads a transaction of a queued message from the JSON value at the reader's position, and leaves the reader at the end of that value.</summary>
    /// <exception cref="JsonException">The JSON is malformed.</exception>
    public static TransactionFields ReadQueued(ref Utf8JsonReader reader)
    {
        var fields = new TransactionFields();
        fields.Read(ref reader, Seen.Queued);
        return fields;
    }

    /// <summary>
    /// Reads a transaction that another program put on the queue, from the JSON value at the reader's position, and leaves the reader at the end of that value.
    /// An <c>id</c> that is no UUID counts as absent, and a number with more than four decimals is rounded half to even.
    /// </summary>
    /// <exception cref="JsonException">The JSON is malformed.</exception>
    public static TransactionFields ReadBare(ref Utf8JsonReader reader)
    {
        var fields = new TransactionFields { _isBare = true };
        fields.Read(ref reader, Seen.Bare);
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

            if ((seen & field) != 0 && !(_isBare && field == Seen.Id))
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

    /// <summary>Adds an error that the caller found, such as a time in the future.</summary>
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
            // The name is not Unicode, for example "\uD800", and so it is no known field.
            return Seen.None;
        }
    }

    // The length decides first, so that a name is compared once.
    private static Seen NameOf(ReadOnlySpan<byte> name) => name.Length switch
    {
        2 when name.SequenceEqual("id"u8) => Seen.Id,
        6 when name.SequenceEqual("amount"u8) => Seen.Amount,
        8 when name.SequenceEqual("replaces"u8) => Seen.Replaces,
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
        Seen.Replaces => "replaces",
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
                Id = ReadId("id", ref reader);
                break;
            case Seen.Replaces:
                Replaces = ReadId("replaces", ref reader);
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

    private Guid? ReadId(string name, ref Utf8JsonReader reader)
    {
        // The parser reads the first 36 bytes and ignores the rest, so the length is checked as well.
        if (reader.TokenType == JsonTokenType.String && (IsPlain(ref reader)
            ? Utf8Parser.TryParse(reader.ValueSpan, out Guid id, out int consumed) && consumed == reader.ValueSpan.Length
            : Guid.TryParseExact(Text(ref reader), "D", out id)))
        {
            return id;
        }

        if (!_isBare)
        {
            AddError(name, "must be a UUID");
        }

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
                error = Money.TryParse(reader.ValueSpan, out amount, isRounded: _isBare || _roundAmount);
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

    // Whether the string's bytes are its text, so that it can be read without making a string.
    private static bool IsPlain(ref Utf8JsonReader reader) => !reader.ValueIsEscaped && !reader.HasValueSequence;

    // JSON's grammar allows a string with half a surrogate pair ("\uD800"), which is no Unicode text; it is read as null.
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

    /// <summary>Whether a text has 1 … 255 Unicode code points.</summary>
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
