using FinanceIngest.Baselines;
using FinanceIngest.Cli.Files;
using FinanceIngest.Ground;

namespace FinanceIngest.Cli.Baselines;

/// <summary>
/// Reads and writes files of baselines: CSV, JSON and Python pickles, distinguished by the file's extension. A pickle is read without executing anything.
/// A file that is read has at most <see cref="MaximumBytes"/> bytes and <see cref="MaximumRows"/> rows.
/// </summary>
public static class BaselineFile
{
    /// <summary>The size of the largest file that is read, in bytes: 64 MiB.</summary>
    public const int MaximumBytes = 64 * 1024 * 1024;

    /// <summary>The largest number of entries in a file that is read, including refused entries and duplicates.</summary>
    public const int MaximumRows = 1_000_000;

    /// <summary>Returns the format of a file by its extension: <c>.csv</c>, <c>.json</c>, <c>.pkl</c> or <c>.pickle</c>, in upper or lower case.</summary>
    /// <exception cref="BaselineFileException">The file has another extension.</exception>
    public static BaselineFileFormat FormatOf(string path) => Path.GetExtension(path).ToUpperInvariant() switch
    {
        ".CSV" => BaselineFileFormat.Csv,
        ".JSON" => BaselineFileFormat.Json,
        ".PKL" or ".PICKLE" => BaselineFileFormat.Pickle,
        _ => throw new BaselineFileException(path, null, "the name must end in .csv, .json or .pkl"),
    };

    /// <summary>Reads a file of baselines.</summary>
    /// <param name="path">The file's path; its extension decides the format.</param>
    /// <exception cref="BaselineFileException">The file can't be read, or is not in the format of its extension.</exception>
    public static BaselineFileContent Read(string path) => Read(path, NumberForm.Plain);

    /// <summary>Reads a file of baselines, of which a CSV writes numbers in that form.</summary>
    /// <exception cref="BaselineFileException">The file can't be read, or is not in the format of its extension.</exception>
    internal static BaselineFileContent Read(string path, NumberForm number)
    {
        BaselineFileFormat format = FormatOf(path);
        byte[] bytes;
        try
        {
            using FileStream stream = File.OpenRead(path);
            bytes = new byte[CheckLength(path, stream.Length)];
            stream.ReadExactly(bytes);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new BaselineFileException(path, null, $"can't be read: {FileTrouble.Describe(path, cause)}", cause);
        }

        return Parse(bytes, format, path, number);
    }

    /// <summary>Reads baselines from a stream, to its end.</summary>
    /// <param name="stream">The stream; stays open.</param>
    /// <param name="format">The stream's format.</param>
    /// <param name="name">The stream's name in messages.</param>
    /// <param name="cancellationToken">Abandons the reading.</param>
    /// <exception cref="BaselineFileException">The stream can't be read, or is not in that format.</exception>
    public static async Task<BaselineFileContent> ReadAsync(
        Stream stream, BaselineFileFormat format, string name, CancellationToken cancellationToken)
    {
        using var bytes = new MemoryStream();
        byte[] piece = new byte[81_920];
        try
        {
            int read;
            while ((read = await stream.ReadAsync(piece, cancellationToken)) > 0)
            {
                CheckLength(name, bytes.Length + read);
                bytes.Write(piece, 0, read);
            }
        }
        catch (IOException cause)
        {
            throw new BaselineFileException(name, null, $"can't be read: {cause.Message}", cause);
        }

        return Parse(bytes.ToArray(), format, name);
    }

    /// <summary>Writes baselines to a file. The file appears complete or not at all, and replaces an existing one.</summary>
    /// <param name="path">The file's path; its extension decides the format.</param>
    /// <param name="rows">In strictly ascending order of user and category, as <see cref="IBaselineStore.ReadAllAsync"/> returns them.</param>
    /// <param name="cancellationToken">Abandons the writing; an existing file then stays as it was.</param>
    /// <returns>The number of rows that were written.</returns>
    /// <exception cref="BaselineFileException">The file can't be written, or a row has a number that is not finite.</exception>
    /// <exception cref="ArgumentException">The rows are not in order.</exception>
    public static async Task<long> WriteAsync(string path, IAsyncEnumerable<BaselineRow> rows, CancellationToken cancellationToken)
    {
        BaselineFileFormat format = FormatOf(path);
        string partial = $"{path}.{Guid.NewGuid():N}.partial";
        try
        {
            long written;
            await using (FileStream stream = PrivateFiles.CreateNew(partial))
            {
                written = await BaselineWriter.WriteAsync(stream, format, path, rows, cancellationToken);
                stream.Flush(flushToDisk: true);
            }

            File.Move(partial, path, overwrite: true);
            return written;
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new BaselineFileException(path, null, $"can't be written: {cause.Message}", cause);
        }
        finally
        {
            Discard(partial);
        }
    }

    /// <summary>Writes baselines to a stream.</summary>
    /// <param name="stream">The stream; stays open and is not flushed.</param>
    /// <param name="format">The format to write.</param>
    /// <param name="rows">In strictly ascending order of user and category, as <see cref="IBaselineStore.ReadAllAsync"/> returns them.</param>
    /// <param name="cancellationToken">Abandons the writing; the stream may then hold a part.</param>
    /// <returns>The number of rows that were written.</returns>
    /// <exception cref="BaselineFileException">A row has a number that is not finite.</exception>
    /// <exception cref="ArgumentException">The rows are not in order.</exception>
    public static Task<long> WriteAsync(
        Stream stream, BaselineFileFormat format, IAsyncEnumerable<BaselineRow> rows, CancellationToken cancellationToken) =>
        BaselineWriter.WriteAsync(stream, format, "export", rows, cancellationToken);

    /// <summary>Reads baselines from memory.</summary>
    /// <exception cref="BaselineFileException">The bytes are not in that format.</exception>
    internal static BaselineFileContent Parse(byte[] bytes, BaselineFileFormat format, string name, NumberForm? number = null)
    {
        CheckLength(name, bytes.Length);
        var collector = new BaselineCollector(name);
        try
        {
            switch (format)
            {
                case BaselineFileFormat.Csv:
                    new BaselineCsv(number ?? NumberForm.Plain, collector).Read(new MemoryStream(bytes));
                    break;
                case BaselineFileFormat.Json:
                    BaselineJson.Read(bytes, name, collector);
                    break;
                default:
                    new BaselinePickle(name, collector).Read(bytes);
                    break;
            }
        }
        catch (FileProblemException cause)
        {
            throw new BaselineFileException(name, cause.Place, cause.Message, cause);
        }

        return collector.ToContent();
    }

    private static long CheckLength(string name, long length) => length <= MaximumBytes
        ? length
        : throw new BaselineFileException(name, null, "is larger than 64 MiB; split it");

    private static void Discard(string partial)
    {
        try
        {
            File.Delete(partial);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            // The partial file was already renamed, or an exception that says more is on its way.
        }
    }
}
