using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace FinanceIngest.Cli.Submitting;

/// <summary>A line of JSON. It is passed on byte for byte; only a missing idempotency key is added.</summary>
internal sealed class NdjsonRow : SourceRow
{
    /// <summary>How deep objects and arrays may be nested; the API reads twice as deep.</summary>
    public const int MaximumDepth = 32;

    private const string NotJson = "is not JSON, or is nested more than 32 deep";
    private const int UserId = 0;
    private const int OccurredAt = 3;
    private const int IdempotencyKey = 4;
    private static readonly string[] s_names = ["user_id", "category_id", "amount", "occurred_at", "idempotency_key"];

    private readonly ReadOnlyMemory<byte> _text;
    private readonly Range?[] _values = new Range?[s_names.Length];
    private readonly bool[] _isMet = new bool[s_names.Length];
    private bool _isEmpty = true;
    private Range? _nullKey;
    private string? _ownKey;

    /// <param name="text">The line, trimmed, as UTF-8; nothing for a line that can't be sent.</param>
    public NdjsonRow(ReadOnlyMemory<byte> text)
    {
        _text = text;
        Fault = text.IsEmpty ? null : Scan();
    }

    /// <summary>Why the line can't be sent, a phrase of which the line or a field is the subject; null when it can.</summary>
    public string? Fault { get; }

    /// <inheritdoc/>
    public override bool IsComplete => _values[IdempotencyKey] is not null;

    /// <inheritdoc/>
    public override bool HasOccurredAt => _values[OccurredAt] is not null;

    /// <inheritdoc/>
    public override (string User, string Key)? OwnKey =>
        _ownKey is not null && _values[UserId] is { } user ? (Encoding.UTF8.GetString(_text.Span[user]), _ownKey) : null;

    /// <inheritdoc/>
    public override void AppendFields(IncrementalHash hash)
    {
        foreach (Range? value in _values.AsSpan(0, IdempotencyKey))
        {
            Append(hash, value is { } range ? _text.Span[range] : []);
        }
    }

    /// <inheritdoc/>
    public override void WriteJson(IBufferWriter<byte> output, string? idempotencyKey)
    {
        if (IsComplete)
        {
            output.Write(_text.Span);
            return;
        }

        byte[] key = JsonSerializer.SerializeToUtf8Bytes(idempotencyKey);
        if (_nullKey is { } place)
        {
            output.Write(_text.Span[..place.Start]);
            output.Write(key);
            output.Write(_text.Span[place.End..]);
            return;
        }

        output.Write(_text.Span[..^1]);
        output.Write(_isEmpty ? "\"idempotency_key\":"u8 : ",\"idempotency_key\":"u8);
        output.Write(key);
        output.Write("}"u8);
    }

    /// <summary>Finds the fields; returns the reason for which the line is refused, or null.</summary>
    private string? Scan()
    {
        try
        {
            var reader = new Utf8JsonReader(_text.Span, new JsonReaderOptions { MaxDepth = MaximumDepth });
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                reader.Skip();
                return reader.Read() ? NotJson : "must be an object";
            }

            string? fault = null;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                _isEmpty = false;
                string? found = ScanField(ref reader);
                fault ??= found;
            }

            return reader.Read() ? NotJson : fault;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return NotJson;
        }
    }

    private string? ScanField(ref Utf8JsonReader reader)
    {
        int name = Recognise(ref reader);
        reader.Read();
        bool isNull = reader.TokenType == JsonTokenType.Null;
        string? key = name == IdempotencyKey && reader.TokenType == JsonTokenType.String ? Text(ref reader) : null;
        int start = (int)reader.TokenStartIndex;
        reader.Skip();
        Range value = start..(int)reader.BytesConsumed;
        if (name == s_names.Length)
        {
            return null;
        }

        bool isMet = _isMet[name];
        _isMet[name] = true;
        if (isNull)
        {
            _nullKey = name == IdempotencyKey ? value : _nullKey;
        }
        else
        {
            _values[name] = value;
            _ownKey = name == IdempotencyKey ? key : _ownKey;
        }

        return isMet ? $"{s_names[name]} is given twice" : null;
    }

    private static string? Text(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString();
        }
        catch (InvalidOperationException)
        {
            // Half a surrogate pair is no Unicode text; the API says so.
            return null;
        }
    }

    private static int Recognise(ref Utf8JsonReader reader)
    {
        try
        {
            int name = 0;
            while (name < s_names.Length && !reader.ValueTextEquals(s_names[name]))
            {
                name++;
            }

            return name;
        }
        catch (InvalidOperationException)
        {
            // The name is not Unicode, for example "\uD800". It is an unknown field, also to the API.
            return s_names.Length;
        }
    }
}
