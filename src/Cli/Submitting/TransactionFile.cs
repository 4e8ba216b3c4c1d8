using System.Security.Cryptography;
using FinanceIngest.Cli.Files;
using FinanceIngest.Cli.Running;

namespace FinanceIngest.Cli.Submitting;

/// <summary>A file of transactions, or standard input, read once from start to end.</summary>
internal sealed class TransactionFile : IDisposable
{
    /// <summary>The path that means standard input.</summary>
    public const string StandardInput = "-";

    private const int BufferSize = 1 << 16;

    // Enough for more than ten million rows. An endless input must not fill the disk, which a server's queue may share.
    private const long LargestCopy = 4L << 30;
    private readonly string _path;
    private readonly bool _isCsv;
    private readonly Stream _stream;

    private TransactionFile(string path, bool isCsv, Stream stream)
    {
        _path = path;
        _isCsv = isCsv;
        _stream = stream;
    }

    /// <summary>The file's name without its folder; null for standard input.</summary>
    public string? Name => _path == StandardInput ? null : Path.GetFileName(_path);

    /// <summary>The file's length in bytes; null when it is unknown.</summary>
    public long? Length => _stream.CanSeek ? _stream.Length : null;

    /// <summary>Bytes read so far; 0 when the position is unknown.</summary>
    public long Position => _stream.CanSeek ? _stream.Position : 0;

    /// <summary>
    /// Opens a file whose extension is <c>.csv</c>, <c>.ndjson</c> or <c>.jsonl</c>, or standard input, which is NDJSON. An input that can be read only once,
    /// such as a pipe, is copied to a temporary file first, unless <paramref name="once"/> says that it has to be read only once.
    /// </summary>
    /// <exception cref="CliException">The extension is none of these, or the file can't be read.</exception>
    public static async Task<TransactionFile> OpenAsync(string path, bool once, Func<Stream> openInput, CancellationToken cancellationToken)
    {
        bool isCsv = IsCsv(path);
        try
        {
            Stream stream = path == StandardInput ? openInput() : new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, BufferSize);
            return new TransactionFile(path, isCsv, stream is FileStream { CanSeek: true } || once ? stream : await CopyAsync(stream, cancellationToken));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CliException($"{path} can't be read: {FileTrouble.Describe(path, e)}.");
        }
    }

    /// <summary>Reads the rows one after another.</summary>
    /// <param name="forms">How a CSV writes numbers and times.</param>
    /// <exception cref="CliException">The file as a whole can't be understood.</exception>
    public IEnumerable<SourceRow> Read(FileForms forms)
    {
        using IEnumerator<SourceRow> rows = Guard(() => Open(forms).GetEnumerator());
        while (Guard(rows.MoveNext))
        {
            yield return rows.Current;
        }
    }

    /// <summary>Returns the SHA-256 of the whole content in hexadecimal. A reading that is under way is not disturbed.</summary>
    public string HashContent()
    {
        var file = (FileStream)_stream;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[BufferSize];
        long at = 0;
        int read;
        while ((read = RandomAccess.Read(file.SafeFileHandle, buffer, at)) > 0)
        {
            hash.AppendData(buffer, 0, read);
            at += read;
        }

        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    private IEnumerable<SourceRow> Open(FileForms forms) => _isCsv
        ? new CsvTransactionReader(TextSource.Open(_stream, CsvTable.Lacking(CsvTransactionReader.Columns)), forms).Read()
        : new NdjsonTransactionReader(TextSource.Open(_stream, "no transaction")).Read();

    private T Guard<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (FileProblemException e)
        {
            string name = Name is null ? "Standard input" : _path;
            throw new CliException(e.Place is null ? $"{name} {e.Message}." : $"{name}: {e.Place}: {e.Message}.");
        }
    }

    /// <summary>Whether a file of that name is a CSV.</summary>
    /// <exception cref="CliException">The name is neither that of a CSV nor that of NDJSON.</exception>
    public static bool IsCsv(string path) => path != StandardInput && Path.GetExtension(path).ToUpperInvariant() switch
    {
        ".CSV" => true,
        ".NDJSON" or ".JSONL" => false,
        _ => throw CliException.WrongUse($"{path}: the name must end in .csv, .ndjson or .jsonl, or be - for NDJSON on standard input."),
    };

    private static async Task<FileStream> CopyAsync(Stream stream, CancellationToken cancellationToken)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Options = FileOptions.DeleteOnClose,
            BufferSize = BufferSize,
        };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        var copy = new FileStream(Path.Combine(Path.GetTempPath(), $"finance-ingest-{Guid.NewGuid():N}"), options);
        try
        {
            await using Stream source = stream;
            byte[] buffer = new byte[BufferSize];
            int read;

            // A read from a terminal or a pipe can't be cancelled, so it is abandoned.
            while ((read = await source.ReadAsync(buffer, cancellationToken).AsTask().WaitAsync(cancellationToken)) > 0)
            {
                await copy.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
                if (copy.Length > LargestCopy)
                {
                    throw new CliException("The input is larger than 4 GiB; give --idempotency-prefix, with which it needs no temporary copy.");
                }
            }

            copy.Position = 0;
            return copy;
        }
        catch
        {
            await copy.DisposeAsync();
            throw;
        }
    }
}
