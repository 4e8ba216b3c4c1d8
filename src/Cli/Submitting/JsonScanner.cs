using System.Globalization;
using System.Text;

namespace FinanceIngest.Cli.Submitting;

/// <summary>
/// Finds out whether a text is JSON (RFC 8259), and where its values begin and end. Unlike the reader of .NET it does not throw, because an exception for each
/// line of a hostile file would take a hundred times as long as the line itself.
/// </summary>
/// <param name="text">The text, which is UTF-8.</param>
internal ref struct JsonScanner(ReadOnlySpan<byte> text)
{
    private readonly ReadOnlySpan<byte> _text = text;

    /// <summary>The place of the next byte.</summary>
    public int At { get; private set; }

    /// <summary>The next byte; 0 at the end, which no value begins with.</summary>
    public readonly byte Next => At < _text.Length ? _text[At] : (byte)0;

    /// <summary>Whether nothing but white space follows.</summary>
    public bool IsAtEnd()
    {
        SkipWhite();
        return At == _text.Length;
    }

    /// <summary>Skips white space.</summary>
    public void SkipWhite()
    {
        while (At < _text.Length && _text[At] is (byte)' ' or (byte)'\t' or (byte)'\n' or (byte)'\r')
        {
            At++;
        }
    }

    /// <summary>Skips a byte if it is the next one.</summary>
    public bool TrySkip(byte wanted)
    {
        bool fits = Next == wanted && At < _text.Length;
        At += fits ? 1 : 0;
        return fits;
    }

    /// <summary>Skips a value; returns false when it is malformed or its objects and arrays are nested deeper than allowed.</summary>
    public bool TrySkipValue(int depth) => Next switch
    {
        (byte)'"' => TrySkipString(),
        (byte)'{' => depth > 0 && TrySkipContainer((byte)'}', depth - 1),
        (byte)'[' => depth > 0 && TrySkipContainer((byte)']', depth - 1),
        (byte)'t' => TrySkipWord("true"u8),
        (byte)'f' => TrySkipWord("false"u8),
        (byte)'n' => TrySkipWord("null"u8),
        _ => TrySkipNumber(),
    };

    /// <summary>Skips a string; returns false when it is malformed.</summary>
    public bool TrySkipString()
    {
        if (!TrySkip((byte)'"'))
        {
            return false;
        }

        while (At < _text.Length)
        {
            byte next = _text[At++];
            if (next == '"')
            {
                return true;
            }

            if (next < ' ' || (next == '\\' && !TrySkipEscape()))
            {
                return false;
            }
        }

        return false;
    }

    /// <summary>Returns the text of a string that was skipped, quotation marks included; null when it has half a surrogate pair, which is no Unicode.</summary>
    public static string? Unescape(ReadOnlySpan<byte> quoted)
    {
        string raw = Encoding.UTF8.GetString(quoted[1..^1]);
        if (!raw.Contains('\\', StringComparison.Ordinal))
        {
            return raw;
        }

        var plain = new StringBuilder(raw.Length);
        for (int i = 0; i < raw.Length; i++)
        {
            if (raw[i] != '\\')
            {
                plain.Append(raw[i]);
            }
            else if (raw[++i] == 'u')
            {
                plain.Append((char)ushort.Parse(raw.AsSpan(i + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
                i += 4;
            }
            else
            {
                int known = "bfnrt".IndexOf(raw[i], StringComparison.Ordinal);
                plain.Append(known < 0 ? raw[i] : "\b\f\n\r\t"[known]);
            }
        }

        string text = plain.ToString();
        return HasHalfPair(text) ? null : text;
    }

    private static bool HasHalfPair(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            bool isPair = i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1]);
            if (!isPair && char.IsSurrogate(text[i]))
            {
                return true;
            }

            i += isPair ? 1 : 0;
        }

        return false;
    }

    private bool TrySkipContainer(byte end, int depth)
    {
        At++;
        SkipWhite();
        if (TrySkip(end))
        {
            return true;
        }

        do
        {
            SkipWhite();
            if ((end == '}' && !TrySkipName()) || !TrySkipValue(depth))
            {
                return false;
            }

            SkipWhite();
        }
        while (TrySkip((byte)','));
        return TrySkip(end);
    }

    /// <summary>Skips a name, its colon and the white space round it; returns false when they are malformed.</summary>
    public bool TrySkipName()
    {
        if (!TrySkipString())
        {
            return false;
        }

        SkipWhite();
        bool fits = TrySkip((byte)':');
        SkipWhite();
        return fits;
    }

    private bool TrySkipEscape()
    {
        if (At == _text.Length)
        {
            return false;
        }

        byte escape = _text[At++];
        if (escape != 'u')
        {
            return "\"\\/bfnrt"u8.Contains(escape);
        }

        bool fits = _text.Length - At >= 4 && char.IsAsciiHexDigit((char)_text[At]) && char.IsAsciiHexDigit((char)_text[At + 1])
            && char.IsAsciiHexDigit((char)_text[At + 2]) && char.IsAsciiHexDigit((char)_text[At + 3]);
        At += fits ? 4 : 0;
        return fits;
    }

    private bool TrySkipWord(ReadOnlySpan<byte> word)
    {
        bool fits = _text[At..].StartsWith(word);
        At += fits ? word.Length : 0;
        return fits;
    }

    private bool TrySkipNumber()
    {
        TrySkip((byte)'-');
        if (!TrySkip((byte)'0') && !TrySkipDigits())
        {
            return false;
        }

        if (TrySkip((byte)'.') && !TrySkipDigits())
        {
            return false;
        }

        if (!TrySkip((byte)'e') && !TrySkip((byte)'E'))
        {
            return true;
        }

        _ = TrySkip((byte)'+') || TrySkip((byte)'-');
        return TrySkipDigits();
    }

    private bool TrySkipDigits()
    {
        int first = At;
        while (At < _text.Length && char.IsAsciiDigit((char)_text[At]))
        {
            At++;
        }

        return At > first;
    }
}
