using System.Globalization;
using System.Text;

namespace FinanceIngest.Baselines;

/// <summary>Text from files made fit for a terminal and a log: one line, no control characters, not long.</summary>
internal static class Printable
{
    private const int LongestQuote = 60;
    private const int LongestLine = 2_000;

    /// <summary>The text in double quotes, cut after 60 characters.</summary>
    public static string Quote(string text) =>
        text.Length > LongestQuote ? $"\"{Line(text[..LongestQuote])}…\"" : $"\"{Line(text)}\"";

    /// <summary>A number with its thousands apart, the same in every culture.</summary>
    public static string Count(ulong number) => number.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>The text with what a terminal would obey written as \xNN or \uNNNN.</summary>
    public static string Line(string text)
    {
        var line = new StringBuilder(text.Length);
        foreach (char c in text.AsSpan(0, Math.Min(text.Length, LongestLine)))
        {
            bool plain = !char.IsControl(c) && !char.IsSurrogate(c)
                && char.GetUnicodeCategory(c) is not (UnicodeCategory.Format
                    or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
            _ = plain ? line.Append(c) : line.Append(CultureInfo.InvariantCulture, $"\\{(c < 256 ? 'x' : 'u')}{(int)c:x2}");
        }

        return line.ToString();
    }
}
