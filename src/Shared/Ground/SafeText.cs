using System.Buffers;
using System.Globalization;
using System.Text;

namespace FinanceIngest.Ground;

/// <summary>
/// Makes text from requests, queues, files and settings safe to print: a terminal obeys nothing in it, and no part of it can pass for a line that the
/// program wrote.
/// </summary>
/// <remarks>
/// Lone surrogates and characters of the Unicode categories Control, Format, Line Separator and Paragraph Separator are written as <c>\u001b</c> or, beyond
/// the Basic Multilingual Plane, as <c>\U000e0001</c>.
/// </remarks>
public static class SafeText
{
    private const int LongestQuote = 60;

    /// <summary>Returns the text on one line: line ends and tabs become spaces.</summary>
    public static string Line(string text) => Clean(text.ReplaceLineEndings(" ").Replace('\t', ' '), keepsLines: false);

    /// <summary>Returns the text with its lines kept: every line end becomes <c>\n</c>, and tabs are escaped.</summary>
    public static string Lines(string text) => Clean(text.ReplaceLineEndings("\n"), keepsLines: true);

    /// <summary>Returns the text on one line in double quotes, cut after 60 UTF-16 units.</summary>
    public static string Quote(string text)
    {
        bool isCut = text.Length > LongestQuote;
        int end = isCut && char.IsHighSurrogate(text[LongestQuote - 1]) && char.IsLowSurrogate(text[LongestQuote]) ? LongestQuote - 1 : LongestQuote;
        return isCut ? $"\"{Line(text[..end])}…\"" : $"\"{Line(text)}\"";
    }

    /// <summary>
    /// Returns the text, or its beginning where it has more than <paramref name="maximum"/> UTF-16 units, with its whole length behind it: what somebody sends
    /// does not decide how long a record or a line of the log is.
    /// </summary>
    public static string Cut(string text, int maximum)
    {
        if (text.Length <= maximum)
        {
            return text;
        }

        int end = char.IsHighSurrogate(text[maximum - 1]) ? maximum - 1 : maximum;
        return string.Create(CultureInfo.InvariantCulture, $"{text[..end]}… ({text.Length} characters)");
    }

    private static string Clean(string text, bool keepsLines)
    {
        var clean = new StringBuilder(text.Length);
        for (ReadOnlySpan<char> rest = text; !rest.IsEmpty;)
        {
            OperationStatus status = Rune.DecodeFromUtf16(rest, out Rune rune, out int length);
            if (status != OperationStatus.Done)
            {
                clean.Append(CultureInfo.InvariantCulture, $"\\u{(int)rest[0]:x4}");
            }
            else if (!IsObeyed(rune) || (keepsLines && rune.Value == '\n'))
            {
                clean.Append(rest[..length]);
            }
            else if (rune.IsBmp)
            {
                clean.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}");
            }
            else
            {
                clean.Append(CultureInfo.InvariantCulture, $"\\U{rune.Value:x8}");
            }

            rest = rest[length..];
        }

        return clean.ToString();
    }

    private static bool IsObeyed(Rune rune) => Rune.GetUnicodeCategory(rune)
        is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
}
