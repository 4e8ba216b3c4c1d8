using System.Buffers;
using System.Globalization;
using System.Text;
using FinanceIngest.Baselines;
using FinanceIngest.Cli.Baselines.Pickle;

namespace FinanceIngest.Cli.Baselines;

/// <summary>Writes rows in one format. Rows come in order of user and category.</summary>
internal interface IBaselineRowWriter
{
    void Begin(IBufferWriter<byte> output);

    /// <summary>Writes one row.</summary>
    /// <param name="output">The output.</param>
    /// <param name="row">The row.</param>
    /// <param name="newUser">Whether the row is the first of its user.</param>
    void Write(IBufferWriter<byte> output, BaselineRow row, bool newUser);

    void End(IBufferWriter<byte> output);
}

/// <summary>Writes baselines one after another, with some 64 KiB of text in memory at most.</summary>
internal static class BaselineWriter
{
    private const int PieceSize = 65_536;

    public static async Task<long> WriteAsync(
        Stream stream, BaselineFileFormat format, string file, IAsyncEnumerable<BaselineRow> rows, CancellationToken cancellationToken)
    {
        IBaselineRowWriter writer = format switch
        {
            BaselineFileFormat.Csv => new CsvRowWriter(),
            BaselineFileFormat.Json => new JsonRowWriter(),
            _ => new PickleRowWriter(),
        };
        var piece = new ArrayBufferWriter<byte>(PieceSize);
        var last = new BaselineKey(0, 0);
        long written = 0;
        writer.Begin(piece);
        await foreach (BaselineRow row in rows.WithCancellation(cancellationToken))
        {
            CheckRow(row, last, file);
            writer.Write(piece, row, newUser: row.Key.UserId != last.UserId);
            last = row.Key;
            written++;
            if (piece.WrittenCount >= PieceSize)
            {
                await stream.WriteAsync(piece.WrittenMemory, cancellationToken);
                piece.ResetWrittenCount();
            }
        }

        writer.End(piece);
        await stream.WriteAsync(piece.WrittenMemory, cancellationToken);
        return written;
    }

    /// <summary>Appends text as UTF-8, with numbers in the invariant culture.</summary>
    public static void Append(this IBufferWriter<byte> output, FormattableString text) =>
        Encoding.UTF8.GetBytes(text.ToString(CultureInfo.InvariantCulture), output);

    private static void CheckRow(BaselineRow row, BaselineKey last, string file)
    {
        (BaselineKey key, Baseline baseline) = row;
        if ((key.UserId, key.CategoryId).CompareTo((last.UserId, last.CategoryId)) <= 0)
        {
            throw new ArgumentException($"Baselines must come in ascending order: user {key.UserId}, category {key.CategoryId}.", nameof(row));
        }

        if (!double.IsFinite(baseline.Mean) || !double.IsFinite(baseline.StdDev))
        {
            throw new BaselineFileException(
                file, $"user {key.UserId}, category {key.CategoryId}", "mean and std_dev must be finite numbers to be written");
        }
    }
}

/// <summary>Writes one baseline per line, below a header.</summary>
internal sealed class CsvRowWriter : IBaselineRowWriter
{
    public void Begin(IBufferWriter<byte> output) =>
        output.Append(
            $"{BaselineValidator.UserId},{BaselineValidator.CategoryId},{BaselineValidator.Mean},{BaselineValidator.StdDev},{BaselineValidator.SampleCount}\n");

    public void Write(IBufferWriter<byte> output, BaselineRow row, bool newUser) => output.Append(
        $"{row.Key.UserId},{row.Key.CategoryId},{NumberText.Format(row.Baseline.Mean)},{NumberText.Format(row.Baseline.StdDev)},{row.Baseline.SampleCount}\n");

    public void End(IBufferWriter<byte> output)
    {
    }
}

/// <summary>Writes objects nested by user and category, with one baseline per line, so that messages can name the line.</summary>
internal sealed class JsonRowWriter : IBaselineRowWriter
{
    private bool _any;

    public void Begin(IBufferWriter<byte> output) => output.Append($"{{");

    public void Write(IBufferWriter<byte> output, BaselineRow row, bool newUser)
    {
        string before = !newUser ? "," : _any ? $"\n}},\n\"{row.Key.UserId}\": {{" : $"\n\"{row.Key.UserId}\": {{";
        (string mean, string std) = (NumberText.Format(row.Baseline.Mean), NumberText.Format(row.Baseline.StdDev));
        output.Append($"{before}\n  \"{row.Key.CategoryId}\": {{\"mean\": {mean}, \"std\": {std}, \"count\": {row.Baseline.SampleCount}}}");
        _any = true;
    }

    public void End(IBufferWriter<byte> output)
    {
        string end = _any ? "\n}\n}\n" : "}\n";
        output.Append($"{end}");
    }
}
