namespace FinanceIngest.Cli.Files;

/// <summary>
/// Reads a text line by line. A line ends with LF, CR LF, or CR alone. The reader's memory is bounded by <see cref="LongestLine"/>, whatever the text holds.
/// </summary>
/// <param name="stream">The text as UTF-8, without a byte order mark; stays open.</param>
internal sealed class LineReader(Stream stream)
{
    /// <summary>The longest line that is read, in bytes: 1 MiB.</summary>
    public const int LongestLine = 1 << 20;

    private byte[] _buffer = new byte[1 << 16];
    private int _start;
    private int _end;
    private bool _atEnd;
    private bool _afterReturn;
    private long _number;

    /// <summary>Reads the next line; returns false at the end of the text. The line's bytes are valid until the next call.</summary>
    public bool TryRead(out SourceLine line)
    {
        bool isTooLong = false;
        int searched = 0;
        while (true)
        {
            SkipFeed();
            int found = _buffer.AsSpan(_start + searched, _end - _start - searched).IndexOfAny((byte)'\n', (byte)'\r');
            if (found >= 0)
            {
                int length = searched + found;
                _afterReturn = _buffer[_start + length] == '\r';
                line = Take(length, isTooLong);
                _start++;
                return true;
            }

            if (_atEnd)
            {
                bool any = isTooLong || _end > _start;
                line = any ? Take(_end - _start, isTooLong) : default;
                return any;
            }

            isTooLong |= _end - _start > LongestLine;
            _start = isTooLong ? _end : _start;
            searched = _end - _start;
            Fill();
        }
    }

    private SourceLine Take(int length, bool isTooLong)
    {
        isTooLong |= length > LongestLine;
        ReadOnlyMemory<byte> text = _buffer.AsMemory(_start, isTooLong ? 0 : length);
        _start += length;
        return new SourceLine(++_number, text, isTooLong);
    }

    // CR LF is one line end, also where it lies on both sides of the buffer's end.
    private void SkipFeed()
    {
        if (_afterReturn && _end > _start)
        {
            _start += _buffer[_start] == '\n' ? 1 : 0;
            _afterReturn = false;
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
