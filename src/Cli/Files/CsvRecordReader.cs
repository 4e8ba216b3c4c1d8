using System.Buffers;

namespace FinanceIngest.Cli.Files;

/// <summary>
/// Reads the records of a CSV. A record begins with a line, and has more lines only while a quoted field is open. A record that is badly quoted is refused by
/// its first line, and reading goes on with the line after that one, so that a stray quotation mark costs one row.
/// </summary>
/// <remarks>
/// Time is linear whatever the text holds: a line that leaves a field open has an odd number of quotation marks, and so has the line that ends the search for
/// the end of that field. Memory is bounded, because a record has at most <see cref="LineReader.LongestLine"/> bytes.
/// </remarks>
/// <param name="lines">The lines of the text.</param>
internal sealed class CsvRecordReader(LineReader lines)
{
    private const int CompactAt = 1_024;

    /// <summary>The problem of a record that is badly quoted.</summary>
    public const string BadQuote = "has a quote that is not closed, or one in the middle of a field";

    private const string TooLong = "is longer than 1 MiB";

    // Lines that were read, but whose records were not given yet: those from _start on.
    private readonly List<SourceLine> _ahead = [];
    private int _start;
    private bool _atEnd;

    /// <summary>Separates the fields: a comma, a semicolon, a tab or a vertical bar.</summary>
    public byte Separator { get; set; } = (byte)',';

    /// <summary>The fields of the record; valid until the next call.</summary>
    public List<ReadOnlyMemory<byte>> Fields { get; } = [];

    /// <summary>The first line of the record.</summary>
    public long Line { get; private set; }

    /// <summary>The last line of the record.</summary>
    public long LastLine { get; private set; }

    /// <summary>Why the record can't be read; null when it can.</summary>
    public string? Problem { get; private set; }

    /// <summary>Returns a line that has not been given yet, counted from 0; null when the text has no such line.</summary>
    public SourceLine? Peek(int index)
    {
        while (_ahead.Count - _start <= index && !_atEnd)
        {
            _atEnd = !lines.TryRead(out SourceLine line);
            if (!_atEnd)
            {
                _ahead.Add(line.Copy());
            }
        }

        return _ahead.Count - _start > index ? _ahead[_start + index] : null;
    }

    /// <summary>Leaves lines out.</summary>
    public void Skip(int count)
    {
        _start += count;
        if (_start == _ahead.Count)
        {
            _ahead.Clear();
            _start = 0;
        }
        else if (_start > CompactAt && _start > _ahead.Count / 2)
        {
            _ahead.RemoveRange(0, _start);
            _start = 0;
        }
    }

    /// <summary>Reads the next record; returns false at the end of the text.</summary>
    public bool Read()
    {
        // Most lines have no quotation mark and are not needed again, so they are not copied.
        if (_start == _ahead.Count && !_atEnd)
        {
            SourceLine line;
            do
            {
                _atEnd = !lines.TryRead(out line);
                if (_atEnd)
                {
                    return false;
                }
            }
            while (line.Text.IsEmpty && !line.IsTooLong);

            if (line.IsTooLong || line.Text.Span.IndexOf((byte)'"') < 0)
            {
                Begin(line);
                Problem = line.IsTooLong ? TooLong : null;
                Split(line.Text);
                return true;
            }

            _ahead.Add(line.Copy());
        }

        int count = ReadAt(0);
        Skip(count);
        return count > 0;
    }

    /// <summary>Reads the record that begins with a line ahead, and leaves its lines there. Returns their number; 0 at the end of the text.</summary>
    public int ReadAt(int index)
    {
        if (Peek(index) is not { } line)
        {
            return 0;
        }

        Begin(line);
        if (line.IsTooLong)
        {
            Problem = TooLong;
            return 1;
        }

        int count = Parse(index, line.Text);
        LastLine = Line + Math.Max(count, 1) - 1;
        if (count > 0)
        {
            return count;
        }

        Fields.Clear();
        Problem = BadQuote;
        return 1;
    }

    private void Begin(SourceLine line)
    {
        Line = LastLine = line.Number;
        Problem = null;
        Fields.Clear();
    }

    private void Split(ReadOnlyMemory<byte> text)
    {
        int at = 0;
        int length;
        while ((length = text.Span[at..].IndexOf(Separator)) >= 0)
        {
            Fields.Add(text.Slice(at, length));
            at += length + 1;
        }

        Fields.Add(text[at..]);
    }

    /// <summary>Splits a record into its fields; returns the number of its lines, or 0 when it is badly quoted.</summary>
    private int Parse(int index, ReadOnlyMemory<byte> text)
    {
        int count = 1;
        int at = 0;
        while (true)
        {
            int quote = SkipSpaces(text.Span, at);
            if (quote < text.Length && text.Span[quote] == '"')
            {
                at = quote + 1;
                if (!ReadQuoted(index, ref count, ref text, ref at))
                {
                    return 0;
                }

                at = SkipSpaces(text.Span, at);
                if (at < text.Length && text.Span[at] != Separator)
                {
                    return 0;
                }
            }
            else
            {
                int length = text.Span[at..].IndexOf(Separator);
                ReadOnlyMemory<byte> field = length < 0 ? text[at..] : text.Slice(at, length);
                if (field.Span.IndexOf((byte)'"') >= 0)
                {
                    return 0;
                }

                Fields.Add(field);
                at += field.Length;
            }

            if (at == text.Length)
            {
                return count;
            }

            at++;
        }
    }

    /// <summary>Reads a quoted field from behind its first quotation mark to behind its last; returns false when it does not end.</summary>
    private bool ReadQuoted(int index, ref int count, ref ReadOnlyMemory<byte> text, ref int at)
    {
        ArrayBufferWriter<byte>? joined = null;
        long length = text.Length;
        while (true)
        {
            int quote = text.Span[at..].IndexOf((byte)'"');
            if (quote < 0)
            {
                joined ??= new ArrayBufferWriter<byte>();
                joined.Write(text.Span[at..]);
                joined.Write("\n"u8);
                if (Peek(index + count) is not { IsTooLong: false } next || (length += next.Text.Length + 1) > LineReader.LongestLine)
                {
                    return false;
                }

                text = next.Text;
                at = 0;
                count++;
                continue;
            }

            int end = at + quote;
            bool isEscaped = end + 1 < text.Length && text.Span[end + 1] == '"';
            if (isEscaped || joined is not null)
            {
                joined ??= new ArrayBufferWriter<byte>();
                joined.Write(text.Span[at..(isEscaped ? end + 1 : end)]);
            }

            if (!isEscaped)
            {
                Fields.Add(joined is null ? text[at..end] : joined.WrittenMemory);
                at = end + 1;
                return true;
            }

            at = end + 2;
        }
    }

    private int SkipSpaces(ReadOnlySpan<byte> text, int at)
    {
        while (at < text.Length && (text[at] == ' ' || (text[at] == '\t' && Separator != '\t')))
        {
            at++;
        }

        return at;
    }
}
