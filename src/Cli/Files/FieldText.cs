using System.Buffers;
using System.Text;

namespace FinanceIngest.Cli.Files;

/// <summary>Reads the text of a field.</summary>
internal static class FieldText
{
    /// <summary>The longest id, number or time that is read, in UTF-16 units.</summary>
    public const int LongestValue = 1_000;

    /// <summary>The characters that don't count at the start and the end of a field or a column's name.</summary>
    public const string Blanks =
        "\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff";

    /// <summary>Reads a field, trimmed. Returns the problem with it, a phrase of which the field is the subject; null when there is none.</summary>
    public static string? Read(ReadOnlySpan<byte> bytes, out string text)
    {
        int bad = InvalidAt(bytes);
        text = bad < 0 ? Encoding.UTF8.GetString(bytes).AsSpan().Trim(Blanks).ToString() : "";
        return bad < 0 ? null : $"has the byte 0x{bytes[bad]:x2}, which is not UTF-8: save the file as UTF-8";
    }

    /// <summary>Returns a text for a message, in which bytes that are not UTF-8 are replaced.</summary>
    public static string ReadLossy(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);

    /// <summary>Names a character in a message.</summary>
    public static string Name(Rune character) => character.Value is > ' ' and <= '~'
        ? $"\"{character}\""
        : character.Value is <= ' ' or 0x7f ? $"U+{character.Value:X4}" : $"\"{character}\" (U+{character.Value:X4})";

    /// <summary>Names the character at a place of a text, or the half of a surrogate pair there.</summary>
    public static string NameAt(ReadOnlySpan<char> text, int at) =>
        Rune.DecodeFromUtf16(text[at..], out Rune rune, out _) == OperationStatus.Done ? Name(rune) : $"U+{(int)text[at]:X4}";

    private static int InvalidAt(ReadOnlySpan<byte> bytes)
    {
        if (System.Text.Unicode.Utf8.IsValid(bytes))
        {
            return -1;
        }

        int at = 0;
        while (Rune.DecodeFromUtf8(bytes[at..], out _, out int length) == OperationStatus.Done)
        {
            at += length;
        }

        return at;
    }
}
