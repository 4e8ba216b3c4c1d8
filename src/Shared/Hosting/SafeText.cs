using System.Globalization;
using System.Text;

namespace FinanceIngest.Hosting;

/// <summary>Text that others wrote, from requests, queues and files, fit for a terminal and a log: nothing in it that a terminal would obey, or that would pass for a line of ours.</summary>
public static class SafeText
{
    /// <summary>On one line: line ends and tabs become spaces, other control characters <c>\u001b</c>.</summary>
    public static string Line(string text) => Clean(text.ReplaceLineEndings(" ").Replace('\t', ' '), keepLines: false);

    /// <summary>With its lines.</summary>
    public static string Lines(string text) => Clean(text.ReplaceLineEndings("\n"), keepLines: true);

    private static string Clean(string text, bool keepLines)
    {
        var clean = new StringBuilder(text.Length);
        foreach (char c in text)
        {
            bool obeyed = char.IsControl(c) || char.GetUnicodeCategory(c) is UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
            _ = !obeyed || (keepLines && c == '\n') ? clean.Append(c) : clean.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
        }

        return clean.ToString();
    }
}
