using System.Text;
using Spectre.Console;

namespace FinanceIngest.Cli.Running;

/// <summary>
/// Lays rows out for a terminal of so many columns. Nothing is ever cut: an id or an amount that can't be read whole is worse than none. Where the columns
/// of a table do not fit beside each other, each row is a block of lines <c>name: value</c>.
/// </summary>
internal static class TextTable
{
    private const int Gap = 2;

    // The last column may wrap, if it keeps this many columns.
    private const int NarrowestLast = 24;

    /// <summary>The lines of a table.</summary>
    /// <param name="headings">The columns' names; an empty one needs none.</param>
    /// <param name="rows">Rows of as many cells, each on one line.</param>
    /// <param name="width">Columns of the terminal.</param>
    public static IEnumerable<string> Lines(IReadOnlyList<string> headings, IReadOnlyList<string[]> rows, int width)
    {
        int last = headings.Count - 1;
        int[] widths = [.. headings.Select((heading, i) => rows.Select(row => Width(row[i])).Append(Width(heading)).Max())];
        int before = widths.Take(last).Sum() + (Gap * last);
        int rest = width - before;
        int longestWord = rows.SelectMany(row => row[last].Split(' ')).Select(Width).DefaultIfEmpty(0).Max();
        return widths[last] > rest && (rest < NarrowestLast || longestWord > rest)
            ? Blocks(headings, rows, width)
            : Table(headings, rows, widths, before, Math.Max(1, Math.Min(rest, widths[last])));
    }

    /// <summary>The lines of one record.</summary>
    public static IEnumerable<string> Fields(IReadOnlyList<(string Name, string Value)> fields, int width)
    {
        int names = fields.Count == 0 ? 0 : fields.Max(field => Width(field.Name)) + Gap;
        bool isAligned = fields.All(field => names + Width(field.Value) <= width);
        return isAligned
            ? fields.Select(field => (Pad(field.Name, names) + field.Value).TrimEnd())
            : fields.Where(field => field.Value.Length > 0).SelectMany(field => Field(field.Name, field.Value, width));
    }

    private static IEnumerable<string> Table(IReadOnlyList<string> headings, IReadOnlyList<string[]> rows, int[] widths, int before, int lastWidth)
    {
        yield return Row(headings, widths);
        yield return Row([.. widths.SkipLast(1).Append(lastWidth).Select(width => new string('─', width))], widths);
        foreach (string[] row in rows)
        {
            string[] wrapped = [.. Wrap(row[^1], lastWidth)];
            yield return Row([.. row.SkipLast(1), wrapped[0]], widths);
            foreach (string more in wrapped.Skip(1))
            {
                yield return new string(' ', before) + more;
            }
        }
    }

    private static string Row(IReadOnlyList<string> cells, int[] widths) =>
        string.Concat(cells.Select((cell, i) => i == cells.Count - 1 ? cell : Pad(cell, widths[i] + Gap))).TrimEnd();

    private static IEnumerable<string> Blocks(IReadOnlyList<string> headings, IReadOnlyList<string[]> rows, int width)
    {
        for (int i = 0; i < rows.Count; i++)
        {
            if (i > 0)
            {
                yield return "";
            }

            foreach (string line in headings.Zip(rows[i]).Where(field => field.Second.Length > 0)
                .SelectMany(field => Field(field.First, field.Second, width)))
            {
                yield return line;
            }
        }
    }

    // A value that does not fit beside its name begins on a line of its own; a word that is longer than a line is left to the terminal, whole.
    private static IEnumerable<string> Field(string name, string value, int width)
    {
        string line = name.Length == 0 ? value : $"{name}: {value}";
        if (Width(line) <= width)
        {
            return [line];
        }

        bool isOneWord = !value.Contains(' ', StringComparison.Ordinal);
        return isOneWord && name.Length > 0 ? [$"{name}:", value] : Wrap(line, width);
    }

    private static IEnumerable<string> Wrap(string text, int width)
    {
        var line = new StringBuilder();
        int used = 0;
        foreach (string word in text.Split(' '))
        {
            int length = Width(word);
            if (line.Length > 0 && used + 1 + length > width)
            {
                yield return line.ToString();
                line.Clear();
                used = 0;
            }

            if (line.Length > 0)
            {
                line.Append(' ');
                used++;
            }

            line.Append(word);
            used += length;
        }

        yield return line.ToString();
    }

    private static string Pad(string text, int width) => text + new string(' ', Math.Max(0, width - Width(text)));

    /// <summary>How many columns a text takes: two for each wide character.</summary>
    public static int Width(string text) => text.GetCellWidth();
}
