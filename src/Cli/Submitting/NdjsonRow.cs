using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;

namespace FinanceIngest.Cli.Submitting;

/// <summary>A line of JSON. It is passed on byte for byte; only a missing idempotency key is added.</summary>
internal sealed class NdjsonRow : SourceRow
{
    private const int OccurredAt = 3;
    private const int IdempotencyKey = 4;
    private static readonly string[] s_names = ["user_id", "category_id", "amount", "occurred_at", "idempotency_key"];

    private readonly ReadOnlyMemory<byte> _text;
    private readonly Range?[] _values = new Range?[s_names.Length];
    private readonly bool _isObject;
    private bool _isEmpty = true;
    private Range? _nullKey;

    /// <param name="text">The line, trimmed.</param>
    public NdjsonRow(ReadOnlyMemory<byte> text)
    {
        _text = text;
        _isObject = TryScan();
    }

    /// <inheritdoc/>
    public override bool IsComplete => !_isObject || _values[IdempotencyKey] is not null;

    /// <inheritdoc/>
    public override bool HasOccurredAt => _values[OccurredAt] is not null;

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

    /// <summary>Finds the fields; returns false when the line is not one JSON object. The API then gets the line as it is, and reports the error.</summary>
    private bool TryScan()
    {
        try
        {
            var reader = new Utf8JsonReader(_text.Span);
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                return false;
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                _isEmpty = false;
                ScanField(ref reader);
            }

            return !reader.Read();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    private void ScanField(ref Utf8JsonReader reader)
    {
        int name = Recognise(ref reader);
        reader.Read();
        bool isNull = reader.TokenType == JsonTokenType.Null;
        int start = (int)reader.TokenStartIndex;
        reader.Skip();
        Range value = start..(int)reader.BytesConsumed;
        if (name < s_names.Length && !isNull)
        {
            _values[name] = value;
        }
        else if (name == IdempotencyKey)
        {
            _nullKey = value;
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
