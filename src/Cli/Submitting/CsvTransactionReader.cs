using CsvHelper;
using FinanceIngest.Cli.Running;

namespace FinanceIngest.Cli.Submitting;

/// <summary>
/// Reads a CSV with a header that has <c>user_id,category_id,amount</c> and optionally <c>occurred_at,idempotency_key</c>, in any order. Other columns are
/// ignored.
/// </summary>
/// <param name="name">The file's name in messages.</param>
/// <param name="stream">The file; stays open.</param>
internal sealed class CsvTransactionReader(string name, Stream stream)
{
    private const int LongestRow = 1 << 20;
    private static readonly string[] s_required = ["user_id", "category_id", "amount"];
    private static readonly string[] s_optional = ["occurred_at", "idempotency_key"];

    private readonly Queue<CsvRow> _malformed = [];

    /// <summary>Reads the rows. A row that is badly quoted or does not fit the header has a <see cref="SourceRow.Problem"/>.</summary>
    /// <exception cref="CliException">The header is wrong, or a row is longer than 1 MiB, probably because a quote is not closed.</exception>
    public IEnumerable<SourceRow> Read()
    {
        using CsvReader reader = CsvReader.Create(stream, Options(), leaveOpen: true);
        Dictionary<string, int> columns = ReadHeader(reader);
        int width = reader.Headers.Count;
        while (Next(reader))
        {
            while (_malformed.TryDequeue(out CsvRow? malformed))
            {
                yield return malformed;
            }

            if (ReadRow(reader, columns, width) is { } row)
            {
                yield return row;
            }
        }

        while (_malformed.TryDequeue(out CsvRow? malformed))
        {
            yield return malformed;
        }
    }

    private CsvReaderOptions Options() => new()
    {
        Separator = ',',
        TrimWhitespace = true,
        TrimInsideQuotes = true,
        TrackLineNumbers = true,
        MaxRecordSize = LongestRow,
        MalformedData = CsvMalformedDataHandling.Skip,
        OnMalformedRecord = record => _malformed.Enqueue(Unreadable(
            record.LineNumber, record.RawRecord.AsSpan().TrimEnd("\r\n").Count('\n'), "has a quote that is not closed, or one in the middle of a field")),
    };

    private Dictionary<string, int> ReadHeader(CsvReader reader)
    {
        IReadOnlyList<string> headers = Guard(() => reader.Headers);
        if (_malformed.Count > 0)
        {
            throw new CliException($"{name}: line {_malformed.Peek().Line}: the header {_malformed.Peek().Problem}.");
        }

        var columns = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        for (int i = 0; i < headers.Count; i++)
        {
            string column = headers[i].Trim();
            if (!columns.TryAdd(column, i) && s_required.Concat(s_optional).Contains(column, StringComparer.OrdinalIgnoreCase))
            {
                throw new CliException($"{name}: line 1: the header has {column} twice.");
            }
        }

        string missing = string.Join(", ", s_required.Where(column => !columns.ContainsKey(column)));
        return headers.Count == 0 ? throw new CliException($"{name} is empty: the first line must name the columns, user_id,category_id,amount,occurred_at.")
            : missing.Length > 0 ? throw new CliException($"{name}: line 1: the header has no {missing}; it reads {string.Join(',', headers)}")
            : columns;
    }

    private bool Next(CsvReader reader) => Guard(reader.Read);

    private T Guard<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (CsvFormatException e)
        {
            throw new CliException($"{name}: line {e.LineNumber}: {e.Message}");
        }
    }

    private static CsvRow? ReadRow(CsvReader reader, Dictionary<string, int> columns, int width)
    {
        if (Enumerable.Range(0, reader.FieldCount).All(i => reader.GetSpan(i).IsEmpty))
        {
            // Spreadsheets write an empty row as commas only.
            return null;
        }

        // An amount with a thousands separator, or a half-written line, would otherwise shift the columns.
        if (reader.FieldCount != width)
        {
            return Unreadable(
                reader.LineNumber, reader.RawRecord.Count((byte)'\n'), $"has {Counted.Of(reader.FieldCount, "field")} where the header has {width}");
        }

        string Field(string column) => columns.TryGetValue(column, out int at) ? reader.GetString(at) : "";
        return new CsvRow
        {
            Line = reader.LineNumber,
            UserId = Field("user_id"),
            CategoryId = Field("category_id"),
            Amount = Field("amount"),
            OccurredAt = Field("occurred_at"),
            IdempotencyKey = Field("idempotency_key"),
        };
    }

    private static CsvRow Unreadable(long line, int lineBreaks, string problem) =>
        new() { Line = line, Problem = lineBreaks == 0 ? problem : $"{problem}; it goes on to line {line + lineBreaks}" };
}
