using System.Text.Unicode;
using FinanceIngest.Cli.Files;

namespace FinanceIngest.Cli.Submitting;

/// <summary>Reads NDJSON: one transaction per line. Blank lines are skipped.</summary>
/// <param name="text">The text as UTF-8, without a byte order mark; stays open.</param>
internal sealed class NdjsonTransactionReader(Stream text)
{
    /// <summary>Reads the rows. A line that can't be sent has a <see cref="SourceRow.Problem"/>.</summary>
    public IEnumerable<SourceRow> Read()
    {
        var lines = new LineReader(text);
        while (lines.TryRead(out SourceLine line))
        {
            ReadOnlyMemory<byte> row = line.Text.Trim(" \t"u8);
            if (line.IsTooLong)
            {
                yield return new NdjsonRow(default) { Line = line.Number, Problem = "is longer than 1 MiB" };
            }
            else if (!row.IsEmpty)
            {
                yield return ReadRow(line.Number, row);
            }
        }
    }

    private static NdjsonRow ReadRow(long number, ReadOnlyMemory<byte> text)
    {
        if (!Utf8.IsValid(text.Span))
        {
            return new NdjsonRow(default) { Line = number, Problem = "is not UTF-8: save the file as UTF-8" };
        }

        var row = new NdjsonRow(text.ToArray()) { Line = number };
        return row.Fault is null ? row : new NdjsonRow(default) { Line = number, Problem = row.Fault };
    }
}
