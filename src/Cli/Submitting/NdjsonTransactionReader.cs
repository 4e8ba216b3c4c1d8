namespace FinanceIngest.Cli.Submitting;

/// <summary>Reads NDJSON: one transaction per line. Blank lines and a byte order mark are skipped.</summary>
internal sealed class NdjsonTransactionReader(Stream stream)
{
    /// <summary>The longest line that is read, in bytes.</summary>
    public const int LongestLine = 1 << 20;

    private byte[] _buffer = new byte[1 << 16];
    private int _start;
    private int _end;
    private bool _atEnd;

    /// <summary>Reads the rows. A row that is longer than <see cref="LongestLine"/> has a <see cref="SourceRow.Problem"/>.</summary>
    public IEnumerable<SourceRow> Read()
    {
        for (long line = 1; TryReadLine(out ReadOnlyMemory<byte> text, out bool tooLong); line++)
        {
            text = line == 1 && text.Span.StartsWith("\uFEFF"u8) ? text[3..] : text;
            text = text.Trim(" \t\r"u8);
            if (tooLong)
            {
                yield return new NdjsonRow(default) { Line = line, Problem = "the line is longer than 1 MiB" };
            }
            else if (!text.IsEmpty)
            {
                yield return new NdjsonRow(text.ToArray()) { Line = line };
            }
        }
    }

    /// <summary>Reads the next line without its line end; returns false at the end of the file. A line that is too long has an empty text.</summary>
    private bool TryReadLine(out ReadOnlyMemory<byte> text, out bool tooLong)
    {
        tooLong = false;
        int searched = 0;
        while (true)
        {
            int length = _buffer.AsSpan(_start + searched, _end - _start - searched).IndexOf((byte)'\n');
            if (length >= 0 || (_atEnd && _end > _start))
            {
                length = length >= 0 ? searched + length : _end - _start;
                text = _buffer.AsMemory(_start, tooLong ? 0 : length);
                _start = Math.Min(_end, _start + length + 1);
                return true;
            }

            if (_atEnd)
            {
                text = default;
                return tooLong;
            }

            tooLong |= _end - _start > LongestLine;
            _start = tooLong ? _end : _start;
            searched = _end - _start;
            Fill();
        }
    }

    private void Fill()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
        }

        if (_end == _buffer.Length)
        {
            Array.Resize(ref _buffer, _buffer.Length * 2);
        }

        int read = stream.Read(_buffer, _end, _buffer.Length - _end);
        _atEnd = read == 0;
        _end += read;
    }
}
