using FinanceIngest.Baselines;

namespace FinanceIngest.Cli.Baselines;

/// <summary>
/// Baselines in files: CSV, JSON and Python pickles, the format told by the file's extension. A pickle is read without
/// executing anything. A file has at most <see cref="MaximumBytes"/> and <see cref="MaximumRows"/>.
/// </summary>
public static class BaselineFile
{
    /// <summary>Size of the largest file that is read: 64 MiB.</summary>
    public const int MaximumBytes = 64 * 1024 * 1024;

    /// <summary>Most baselines, refused ones and duplicates included, in one file.</summary>
    public const int MaximumRows = 1_000_000;

    /// <summary>The format of a file by its extension: <c>.csv</c>, <c>.json</c> or <c>.pkl</c>, in any case.</summary>
    /// <exception cref="BaselineFileException">It has another extension.</exception>
    public static BaselineFileFormat FormatOf(string path) => Path.GetExtension(path).ToUpperInvariant() switch
    {
        ".CSV" => BaselineFileFormat.Csv,
        ".JSON" => BaselineFileFormat.Json,
        ".PKL" => BaselineFileFormat.Pickle,
        _ => throw new BaselineFileException(path, null, "the name must end in .csv, .json or .pkl"),
    };

    /// <summary>Reads a file of baselines.</summary>
    /// <exception cref="BaselineFileException">The file can't be read, or as a whole is not what its extension says.</exception>
    public static BaselineFileContent Read(string path)
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
            throw new BaselineFileException(path, null, $"can't be read: {cause.Message}", cause);
        }

        return Parse(bytes, format, path);
    }

    /// <summary>Reads baselines to the end of a stream.</summary>
    /// <param name="stream">Where they come from; stays open.</param>
    /// <param name="format">What the stream holds.</param>
    /// <param name="name">What to call the stream in messages.</param>
    /// <param name="cancellationToken">Abandons the reading.</param>
    /// <exception cref="BaselineFileException">The stream can't be read, or as a whole is not in that format.</exception>
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

    /// <summary>Writes baselines to a file, which appears complete or not at all; one that was there is replaced.</summary>
    /// <param name="path">Where to; the extension gives the format.</param>
    /// <param name="rows">In strictly ascending order of user and category, as <see cref="IBaselineStore.ReadAllAsync"/> gives them.</param>
    /// <param name="cancellationToken">Abandons the writing; the file is then as it was before.</param>
    /// <returns>How many rows were written.</returns>
    /// <exception cref="BaselineFileException">The file can't be written, or a row holds a number that is not finite.</exception>
    /// <exception cref="ArgumentException">The rows are not in order.</exception>
    public static async Task<long> WriteAsync(string path, IAsyncEnumerable<BaselineRow> rows, CancellationToken cancellationToken)
    {
        BaselineFileFormat format = FormatOf(path);
        string partial = $"{path}.{Guid.NewGuid():N}.partial";
        try
        {
            long written;
            await using (FileStream stream = new(partial, FileMode.CreateNew, FileAccess.Write))
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
    /// <param name="stream">Where to; stays open and is not flushed.</param>
    /// <param name="format">What to write.</param>
    /// <param name="rows">In strictly ascending order of user and category, as <see cref="IBaselineStore.ReadAllAsync"/> gives them.</param>
    /// <param name="cancellationToken">Abandons the writing, part-way.</param>
    /// <returns>How many rows were written.</returns>
    /// <exception cref="BaselineFileException">A row holds a number that is not finite.</exception>
    /// <exception cref="ArgumentException">The rows are not in order.</exception>
    public static Task<long> WriteAsync(
        Stream stream, BaselineFileFormat format, IAsyncEnumerable<BaselineRow> rows, CancellationToken cancellationToken) =>
        BaselineWriter.WriteAsync(stream, format, "export", rows, cancellationToken);

    /// <summary>Reads baselines that are in memory.</summary>
    /// <exception cref="BaselineFileException">The bytes as a whole are not in that format.</exception>
    internal static BaselineFileContent Parse(byte[] bytes, BaselineFileFormat format, string name)
    {
        CheckLength(name, bytes.Length);
        var collector = new BaselineCollector(name);
        switch (format)
        {
            case BaselineFileFormat.Csv:
                new BaselineCsv(name, collector).Read(bytes);
                break;
            case BaselineFileFormat.Json:
                BaselineJson.Read(bytes, name, collector);
                break;
            default:
                new BaselinePickle(name, collector).Read(bytes);
                break;
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
            // What matters has been said by then, or the file is in place.
        }
    }
}
