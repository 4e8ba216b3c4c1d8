using System.Buffers;
using System.Text;
using System.Text.Json;
using FinanceIngest.Cli.Files;
using FinanceIngest.Cli.Submitting;
using FinanceIngest.Fuzz.Engine;
using FinanceIngest.Fuzz.References;

namespace FinanceIngest.Fuzz.Targets;

/// <summary>Files for <c>finance-ingest submit</c>, CSV or NDJSON.</summary>
internal sealed class SubmitFileTarget(bool isCsv) : FuzzTarget
{
    /// <inheritdoc/>
    public override string Name => isCsv ? "submit-csv" : "submit-ndjson";

    /// <inheritdoc/>
    public override string Properties =>
        "read, or refused with one line, in whatever pieces the bytes arrive; every row is one line of JSON with its own fields; "
            + "every row that the API would accept has an idempotency key, the same each time";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Tokens { get; } =
    [
        .. isCsv
            ?
            [
                "user_id,category_id,amount,occurred_at,idempotency_key\n", "399,2310,6000\n", "user_id", "amount", ",", "\"", "\"\"", "\r\n", "\n", "\r", " ",
                ";", "'", "\"1,000.50\"", "\uFEFF", ",,\n", "\"a\nb\"",
            ]
            : (string[])
            [
                .. SubmitTarget.JsonTokens, "\n", "\r\n", "\"idempotency_key\":null", "\"idempotency_key\":null,", "{}", "{ }",
                "{\"user_id\":1,\"category_id\":1,\"amount\":1}\n",
            ],
    ];

    // The file is read three times, each time with a buffer of its own.
    /// <inheritdoc/>
    public override long AllocationLimit(int length) => (4L << 20) + (16_384L * length);

    /// <inheritdoc/>
    public override string Run(byte[] input)
    {
        (List<string> rows, string? failure) = Read(new MemoryStream(input));
        (List<string> again, string? sameFailure) = Read(new DrippingStream(input));
        Property.Same(failure, sameFailure, "a file is refused however its bytes arrive");
        Property.SameItems(rows, again, "rows are the same however their bytes arrive, keys too");
        return $"{Math.Min(3, rows.Count)} {(failure is null ? "" : Texts.Shape(failure))} "
            + $"{string.Join(' ', rows.Select(row => row[0] == '!' ? Texts.Shape(row) : "row").Distinct().Take(3))}";
    }

    private (List<string> Rows, string? Failure) Read(Stream stream)
    {
        var keys = new IdempotencyKeys(null, "fuzz", () => "content");
        var rows = new List<string>();
        long line = 0;
        try
        {
            Stream text = TextSource.Open(stream, "no transaction");
            foreach (SourceRow row in isCsv ? new CsvTransactionReader(text, FileForms.Plain).Read() : new NdjsonTransactionReader(text).Read())
            {
                Property.Holds(row.Line > line || (isCsv && row.Line >= 1), "rows are told by their lines", $"{row.Line} after {line}");
                line = row.Line;
                rows.Add(row.Problem is { } problem ? $"!{problem}" : Send(row, keys));
            }
        }
        catch (FileProblemException e)
        {
            return (rows, e.Message);
        }

        return (rows, null);
    }

    private string Send(SourceRow row, IdempotencyKeys keys)
    {
        string? key = keys.For(row);
        var sent = new ArrayBufferWriter<byte>();
        row.WriteJson(sent, key);
        byte[] json = sent.WrittenSpan.ToArray();
        Property.Holds(!json.AsSpan().Contains((byte)'\n'), "a row is one line", $"{Encoding.UTF8.GetString(json)}");
        JsonElement? document = Texts.Json(json);
        Property.Holds(!isCsv || document is not null, "a row of a CSV becomes JSON", $"{Encoding.UTF8.GetString(json)}");
        if (document is { } value)
        {
            SlowTransaction read = SlowTransaction.Read(value);
            Property.Holds(read.Wrong.Count > 0 || read.Key is not null, "what the API takes has a key, so that the file can be sent again", $"{value}");
            Property.Holds(
                row.IsComplete || read.Key == key || read.Wrong.Contains("idempotency_key") || read.Wrong.Contains("$"),
                "a row gets its own key",
                $"{value}");
        }

        return $"{row.Line} {Encoding.UTF8.GetString(json)}";
    }

    /// <summary>A stream that returns a few bytes at a time.</summary>
    private sealed class DrippingStream(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;

        public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, Math.Min(count, 3));

        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(buffer.Length, 3)]);
    }
}
