namespace FinanceIngest.Cli.Files;

/// <summary>Finds out what a file is by its first bytes, and gives its text as UTF-8 without a byte order mark.</summary>
internal static class TextSource
{
    private const int HeadLength = 4;

    /// <summary>
    /// Returns the text of a file. UTF-8 needs no byte order mark; UTF-16 is recognised by its own.
    /// </summary>
    /// <param name="stream">The file at its start; stays open.</param>
    /// <param name="wanted">What the file lacks when it is no text, such as "no columns user_id, category_id, amount".</param>
    /// <exception cref="FileProblemException">The file is empty, or is compressed, a workbook or a PDF.</exception>
    public static Stream Open(Stream stream, string wanted)
    {
        byte[] head = new byte[HeadLength];
        int length = stream.ReadAtLeast(head, HeadLength, throwOnEndOfStream: false);
        ReadOnlySpan<byte> start = head.AsSpan(0, length);
        string? kind = KindOf(start);
        return length == 0 ? throw new FileProblemException($"is empty, so it has {wanted}")
            : kind is not null ? throw new FileProblemException($"{kind}; as it is, it has {wanted}")
            : start.StartsWith("\uFEFF"u8) ? new PrefixedStream(head[3..length], stream)
            : start is [0xff, 0xfe, ..] ? new Utf16Stream(new PrefixedStream(head[2..length], stream), isBigEndian: false)
            : start is [0xfe, 0xff, ..] ? new Utf16Stream(new PrefixedStream(head[2..length], stream), isBigEndian: true)
            : new PrefixedStream(head[..length], stream);
    }

    private static string? KindOf(ReadOnlySpan<byte> head) =>
        head is [0x1f, 0x8b, ..] ? "is compressed with gzip: unpack it first"
        : head is [(byte)'P', (byte)'K', 3, 4] ? "is a ZIP archive or a workbook of a spreadsheet: unpack it, or save it as CSV"
        : head is [0xd0, 0xcf, 0x11, 0xe0] ? "is a workbook of an older spreadsheet: save it as CSV"
        : head is [(byte)'%', (byte)'P', (byte)'D', (byte)'F'] ? "is a PDF"
        : null;
}

/// <summary>Reads some bytes, and then a stream.</summary>
internal class PrefixedStream(byte[] prefix, Stream rest) : Stream
{
    private int _at;

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count)
    {
        if (_at == prefix.Length)
        {
            return rest.Read(buffer, offset, count);
        }

        int length = Math.Min(count, prefix.Length - _at);
        prefix.AsSpan(_at, length).CopyTo(buffer.AsSpan(offset));
        _at += length;
        return length;
    }

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
