using System.Globalization;
using System.Text;

namespace FinanceIngest.Cli.Baselines.Pickle;

/// <summary>The escapes of protocol 0, whose pickles are text.</summary>
internal static class PickleText
{
    /// <summary>A string as Python 2's repr writes it, in quotes; null when it is not one.</summary>
    public static string? Unquote(string repr)
    {
        repr = repr.Trim();
        bool quoted = repr.Length >= 2 && repr[0] is '\'' or '"' && repr[^1] == repr[0];
        return quoted ? Unescape(repr[1..^1], SimpleEscape) : null;
    }

    /// <summary>Python's raw-unicode-escape; null when an escape is malformed.</summary>
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

    // In raw-unicode-escape a backslash that is itself escaped by a backslash stays two backslashes, and hides a u behind it.
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
        _ = known < 0 ? plain.Append(text[..2]) : plain.Append("\\'\"\a\b\f\n\r\t\v"[known]);
        return 2;
    }

    private static int HexEscape(ReadOnlySpan<char> text, int digits, StringBuilder plain)
    {
        bool valid = text.Length >= 2 + digits
            & uint.TryParse(text[Math.Min(2, text.Length)..Math.Min(2 + digits, text.Length)], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint code)
            & (code <= char.MaxValue || Rune.IsValid(code));
        if (!valid)
        {
            return -1;
        }

        _ = code <= char.MaxValue ? plain.Append((char)code) : plain.Append(new Rune(code));
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

    /// <summary>Appends what the escape at the start means: its length, 0 where there is none, negative where it is malformed.</summary>
    private delegate int EscapeReader(ReadOnlySpan<char> text, StringBuilder plain);
}
