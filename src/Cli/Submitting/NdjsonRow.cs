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

    // The longest name of a field in its quotation marks, with all of its characters escaped.
    private const int LongestName = 2 + (6 * 15);
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
        var scanner = new JsonScanner(_text.Span);
        if (scanner.Next != '{')
        {
            return scanner.TrySkipValue(MaximumDepth) && scanner.IsAtEnd() ? "must be an object" : NotJson;
        }

        string? fault = null;
        scanner.TrySkip((byte)'{');
        scanner.SkipWhite();
        if (!scanner.TrySkip((byte)'}'))
        {
            _isEmpty = false;
            do
            {
                scanner.SkipWhite();
                int name = scanner.At;
                if (!scanner.TrySkipName())
                {
                    return NotJson;
                }

                int value = scanner.At;
                if (!scanner.TrySkipValue(MaximumDepth - 1))
                {
                    return NotJson;
                }

                string? found = Take(Recognise(_text.Span[name..value]), value..scanner.At);
                fault ??= found;
                scanner.SkipWhite();
            }
            while (scanner.TrySkip((byte)','));
            if (!scanner.TrySkip((byte)'}'))
            {
                return NotJson;
            }
        }

        return scanner.IsAtEnd() ? fault : NotJson;
    }

    private string? Take(int name, Range place)
    {
        if (name < 0)
        {
            return null;
        }

        bool isMet = _isMet[name];
        _isMet[name] = true;
        ReadOnlySpan<byte> value = _text.Span[place];
        if (value.SequenceEqual("null"u8))
        {
            _nullKey = name == IdempotencyKey ? place : _nullKey;
        }
        else
        {
            _values[name] = place;
            _ownKey = name == IdempotencyKey && value[0] == '"' ? JsonScanner.Unescape(value) : _ownKey;
        }

        return isMet ? $"{s_names[name]} is given twice" : null;
    }

    /// <summary>Returns the place of a name among the fields; -1 for another one.</summary>
    /// <param name="text">The name in its quotation marks, and what follows up to its value.</param>
    private static int Recognise(ReadOnlySpan<byte> text)
    {
        ReadOnlySpan<byte> quoted = text[..(text.LastIndexOf((byte)'"') + 1)];
        return quoted.Length > LongestName ? -1 : Array.IndexOf(s_names, JsonScanner.Unescape(quoted));
    }
}
