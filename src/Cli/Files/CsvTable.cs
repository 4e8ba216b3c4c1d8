using FinanceIngest.Cli.Running;
using FinanceIngest.Ground;

namespace FinanceIngest.Cli.Files;

/// <summary>A column that a table is read for.</summary>
/// <param name="Name">The column's name, in lower case.</param>
/// <param name="IsRequired">Whether a table without the column is refused.</param>
/// <param name="OtherName">Another name that means the same column; null when there is none.</param>
internal sealed record CsvColumn(string Name, bool IsRequired, string? OtherName = null);

/// <summary>
/// Reads a CSV as banks and spreadsheets write it. The header is the first line that names all required columns, in any order and case, separated by commas,
/// semicolons, tabs or vertical bars; a line <c>sep=;</c> may say which. What stands before it is left out. Empty fields at the end of a row don't count.
/// </summary>
internal sealed class CsvTable
{
    /// <summary>The number of lines among which the header is looked for.</summary>
    public const int HeaderLines = 100;

    // The longest head of a file that is kept while the header is looked for.
    private const int LongestHead = 2 * LineReader.LongestLine;

    private static readonly byte[] s_separators = [(byte)',', (byte)';', (byte)'\t', (byte)'|'];

    private readonly CsvColumn[] _columns;
    private readonly CsvRecordReader _records;
    private readonly int[] _places;
    private int _width;

    /// <summary>Finds the header.</summary>
    /// <param name="text">The text as UTF-8; stays open.</param>
    /// <param name="columns">The columns to read.</param>
    /// <exception cref="FileProblemException">There is no header, or it has a column twice.</exception>
    public CsvTable(Stream text, CsvColumn[] columns)
    {
        _columns = columns;
        _records = new CsvRecordReader(new LineReader(text));
        _places = new int[columns.Length];
        FindHeader();
    }

    /// <summary>The line on which the row begins, from 1.</summary>
    public long Line => _records.Line;

    /// <summary>Why the row can't be read, a phrase of which the row is the subject; null when it can.</summary>
    public string? Problem { get; private set; }

    /// <summary>Names what a file without a header lacks.</summary>
    public static string Lacking(CsvColumn[] columns) =>
        $"no columns {string.Join(", ", columns.Where(column => column.IsRequired).Select(column => column.Name))}";

    /// <summary>Reads the next row that is not empty; returns false at the end of the text.</summary>
    public bool Read()
    {
        while (_records.Read())
        {
            Problem = _records.Problem;
            int count = CountFields();
            if (Problem is null && count == 0)
            {
                continue;
            }

            Problem ??= ProblemOf(count);
            return true;
        }

        return false;
    }

    /// <summary>Returns the bytes of a field of the row; nothing when the table does not have the column.</summary>
    public ReadOnlySpan<byte> Field(int column) => _places[column] < 0 ? default : _records.Fields[_places[column]].Span;

    private string? ProblemOf(int count)
    {
        if (HoldsRows())
        {
            return FormattableString.Invariant($"has a quoted field that goes on to line {_records.LastLine}")
                + " and holds what looks like rows: a quote may be missing";
        }

        int all = _records.Fields.Count;
        return all < _width || count > _width
            ? FormattableString.Invariant($"has {Counted.Of(Math.Max(count, Math.Min(all, _width)), "field")} where the header has {_width}")
            : null;
    }

    // Empty fields at the end don't count.
    private int CountFields()
    {
        int count = _records.Fields.Count;
        while (count > 0 && IsBlank(_records.Fields[count - 1].Span))
        {
            count--;
        }

        return count;
    }

    private static bool IsBlank(ReadOnlySpan<byte> field) =>
        field.IsEmpty || (field.IndexOfAnyExcept(" \t"u8) < 0) || (FieldText.Read(field, out string text) is null && text.Length == 0);

    // A quotation mark that opens a field by mistake and meets another one would otherwise swallow the rows between them.
    private bool HoldsRows() => _records.LastLine > _records.Line && _records.Fields.Exists(field =>
        field.Span.Contains((byte)'\n') && FieldText.ReadLossy(field.Span).Split('\n').Skip(1).Any(LooksLikeRow));

    private bool LooksLikeRow(string line)
    {
        string[] fields = line.Split((char)_records.Separator);
        return fields.Length >= _width && _places.Take(2).All(place =>
            fields[place].AsSpan().Trim(FieldText.Blanks) is { IsEmpty: false } id && !id.ContainsAnyExceptInRange('0', '9'));
    }

    private void FindHeader()
    {
        byte[] separators = ReadSeparatorLine() is { } given ? [given] : s_separators;
        SourceLine? firstLine = null;
        string? firstProblem = null;
        (int Known, long Line, string Missing, string Text) best = (0, 0, "", "");
        long length = 0;
        for (int i = 0; i < HeaderLines && length < LongestHead && _records.Peek(i) is { } line; i++)
        {
            length += line.Text.Length;
            bool isFirst = firstLine is null && (line.IsTooLong || !IsBlank(line.Text.Span));
            firstLine ??= isFirst ? line : null;
            foreach (byte separator in separators)
            {
                _records.Separator = separator;
                int lines = _records.ReadAt(i);
                firstProblem = isFirst && separator == separators[0] ? _records.Problem : isFirst && _records.Problem is null ? null : firstProblem;
                string[] names = [.. _records.Fields.Select(NameOf)];
                string[] missing = Locate(names);
                if (missing.Length == 0 && _records.Problem is null)
                {
                    TakeHeader(names, line.Number);
                    _records.Skip(i + lines);
                    return;
                }

                int known = _columns.Count(column => column.IsRequired) - missing.Length;
                if (known > best.Known)
                {
                    best = (known, line.Number, string.Join(", ", missing), FieldText.ReadLossy(line.Text.Span));
                }
            }
        }

        Refuse(firstLine, firstProblem, best);
    }

    private void Refuse(SourceLine? firstLine, string? firstProblem, (int Known, long Line, string Missing, string Text) best)
    {
        if (firstLine is not { } first)
        {
            throw new FileProblemException($"is empty, so it has {Lacking(_columns)}");
        }

        string all = string.Join(", ", _columns.Where(column => column.IsRequired).Select(column => column.Name));
        (_, long number, string missing, string text) = best.Known > 0 ? best : (0, first.Number, all, FieldText.ReadLossy(first.Text.Span));
        throw new FileProblemException(
            best.Known == 0 && firstProblem is not null
                ? $"the header {firstProblem}, so it has {Lacking(_columns)}"
                : $"the header has no {missing}; it reads {SafeText.Quote(text)}",
            FormattableString.Invariant($"line {number}"));
    }

    private byte? ReadSeparatorLine()
    {
        if (_records.Peek(0) is not { } line || !line.Text.Span.StartsWith("sep="u8))
        {
            return null;
        }

        // The separator may be a tab, which is blank, so the line is not trimmed.
        byte[] given = line.Text.Span[4..].ToArray();
        if (given.Length != 1 || !s_separators.Contains(given[0]))
        {
            throw new FileProblemException("the line sep= names none of the separators , ; | and tab", "line 1");
        }

        _records.Skip(1);
        return given[0];
    }

    private static string NameOf(ReadOnlyMemory<byte> field) =>
        Lower(FieldText.ReadLossy(field.Span).AsSpan().Trim(FieldText.Blanks).ToString());

    // Only the letters A to Z have another case here, in every language.
    private static string Lower(string name) => string.Create(name.Length, name, (lower, original) =>
    {
        for (int i = 0; i < lower.Length; i++)
        {
            lower[i] = char.IsAsciiLetterUpper(original[i]) ? (char)(original[i] | 0x20) : original[i];
        }
    });

    private string[] Locate(string[] names)
    {
        for (int i = 0; i < _columns.Length; i++)
        {
            CsvColumn column = _columns[i];
            _places[i] = Array.FindIndex(names, name => name == column.Name || name == column.OtherName);
        }

        return [.. _columns.Where((column, i) => column.IsRequired && _places[i] < 0).Select(column => column.Name)];
    }

    private void TakeHeader(string[] names, long line)
    {
        foreach (CsvColumn column in _columns)
        {
            if (names.Count(name => name == column.Name || name == column.OtherName) > 1)
            {
                throw new FileProblemException($"the header has {column.Name} twice", FormattableString.Invariant($"line {line}"));
            }
        }

        _width = CountFields();
    }
}
