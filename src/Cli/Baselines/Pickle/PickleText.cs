using System.Globalization;
using System.Text;

namespace FinanceIngest.Cli.Baselines.Pickle;

/// <summary>Reads the escaped strings of protocol 0.</summary>
internal static class PickleText
{
    /// <summary>Reads a string in quotes, as Python 2's repr writes it; returns null when it is malformed.</summary>
    public static string? Unquote(string repr)
    {
        repr = repr.Trim();
        bool quoted = repr.Length >= 2 && repr[0] is '\'' or '"' && repr[^1] == repr[0];
        return quoted ? Unescape(repr[1..^1], SimpleEscape) : null;
    }

    /// <summary>Reads a string in Python's encoding raw-unicode-escape; returns null when an escape is malformed.</summary>
    public static string? UnescapeUnicode(string raw) => Unescape(raw, UnicodeEscape);

    private static string? Unescape(string text, EscapeReader readEscape)
    {
        if (!text.Contains('\\'))
        {
            return text;
        }

        var plain = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length;)
        {
            int length = text[i] == '\\' ? readEscape(text.AsSpan(i), plain) : 0;
            if (length < 0)
            {
                return null;
            }

            if (length == 0)
            {
                plain.Append(text[i]);
            }

            i += Math.Max(length, 1);
        }

        return plain.ToString();
    }

    private static int UnicodeEscape(ReadOnlySpan<char> text, StringBuilder plain) =>
        text.Length < 2 ? 0
        : text[1] == 'u' ? HexEscape(text, 4, plain)
        : text[1] == 'U' ? HexEscape(text, 8, plain)
        : KeepBackslashes(text[1], plain);

    // In raw-unicode-escape two backslashes stay two backslashes, and a u after them begins no escape.
    private static int KeepBackslashes(char next, StringBuilder plain)
    {
        if (next != '\\')
        {
            return 0;
        }

        plain.Append(@"\\");
        return 2;
    }

    private static int SimpleEscape(ReadOnlySpan<char> text, StringBuilder plain)
    {
        if (text.Length < 2)
        {
            return -1;
        }

        if (text[1] == 'x')
        {
            return HexEscape(text, 2, plain);
        }

        if (text[1] is >= '0' and <= '7')
        {
            return OctalEscape(text, plain);
        }

        int known = @"\'""abfnrtv".IndexOf(text[1], StringComparison.Ordinal);
        if (known < 0)
        {
            plain.Append(text[..2]);
        }
        else
        {
            plain.Append("\\'\"\a\b\f\n\r\t\v"[known]);
        }

        return 2;
    }

    private static int HexEscape(ReadOnlySpan<char> text, int digits, StringBuilder plain)
    {
        if (text.Length < 2 + digits
            || !uint.TryParse(text.Slice(2, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint code)
            || (code > char.MaxValue && !Rune.IsValid(code)))
        {
            return -1;
        }

        if (code <= char.MaxValue)
        {
            // Python allows half a surrogate pair, which is no Rune.
            plain.Append((char)code);
        }
        else
        {
            plain.Append(new Rune(code));
        }

        return 2 + digits;
    }

    private static int OctalEscape(ReadOnlySpan<char> text, StringBuilder plain)
    {
        int length = 1;
        int code = 0;
        while (length < 4 && length < text.Length && text[length] is >= '0' and <= '7')
        {
            code = (code * 8) + (text[length++] - '0');
        }

        plain.Append((char)(code & 0xff));
        return length;
    }

    /// <summary>
    /// Appends the character for the escape at the start of the text; returns the escape's length, 0 when there is none, -1 when it is malformed.
    /// </summary>
    private delegate int EscapeReader(ReadOnlySpan<char> text, StringBuilder plain);
}
