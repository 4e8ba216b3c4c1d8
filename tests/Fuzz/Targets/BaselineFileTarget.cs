using FinanceIngest.Baselines;
using FinanceIngest.Cli.Baselines;
using FinanceIngest.Fuzz.Engine;

namespace FinanceIngest.Fuzz.Targets;

/// <summary>Files of baselines in one format.</summary>
internal sealed class BaselineFileTarget(BaselineFileFormat format) : FuzzTarget
{
    private static readonly string[] s_common =
    [
        "user_id", "category_id", "mean", "std_dev", "sample_count", "std", "count", "399", "2310", "2000.0", "NaN", "inf", "1.0", ".0", "\uFEFF",
    ];
    private static readonly string[] s_csv =
    [
        ",", "\"", "\"\"", "\r\n", "\n", "user_id,category_id,mean,std_dev,sample_count\n", "399,2310,2000,500,40\n", ",,,,\n", ";", "\t", " ",
    ];

    private static readonly string[] s_json =
        [
            "{", "}", "[", "]", ":", ",", "\"399\":", "{\"mean\": 2000.0, \"std\": 500.0, \"count\": 40}", "\"2310\":{\"mean\":1,\"std\":2,\"count\":3}",
            "Infinity", "-Infinity", "\"\x7f\"", "\\u0033", "null", "\"\\ud800\"",
        ];

    // Instructions of pickles, some of them with arguments.
    private static readonly string[] s_pickle =
    [
        "\x02", "}", "]", ")", "(", ".", "s", "u", "t", "l", "d", "a", "e", "0", "1", "2", "N", "R", "b", "K\x05", "M\x05\x05", "J\xff\xff\xff\x7f",
        "G\x3f\xf0\0\0\0\0\0\0", "I5\n", "L5L\n", "F5.0\n", "I01\n", "V399\n", "S'std'\n",
        "X\x04\0\0\0mean", "q\x01", "r\xff\xff\x3c\0", "h\x01", "p1\n", "g1\n", "p3999999\n", "ccollections\ndefaultdict\n",
        "ccollections\nOrderedDict\n", "cnumpy.core.multiarray\nscalar\n", "cnumpy\ndtype\n", "cos\nsystem\n",
        "c__builtin__\ndict\n", "cbuiltins\nfloat\n",
    ];

    /// <inheritdoc/>
    public override string Name => format == BaselineFileFormat.Pickle ? "pickle" : $"baselines-{format.ToString().ToLowerInvariant()}";

    /// <inheritdoc/>
    public override string Properties =>
        "read, or refused with one printable line; only valid baselines; every format writes what it reads; a pickle loads no types";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Tokens { get; } =
    [
        .. s_common, .. format switch { BaselineFileFormat.Csv => s_csv, BaselineFileFormat.Json => s_json, _ => s_pickle },
    ];

    // A pickle can share values, so the number of rows can grow with the square of its length.
    /// <inheritdoc/>
    public override long AllocationLimit(int length) => base.AllocationLimit(length) + (format == BaselineFileFormat.Pickle ? 256L * length * length : 0);

    /// <summary>Checks a baseline that was accepted.</summary>
    public static void CheckRow(BaselineRow row) => Property.Holds(
        row.Key is { UserId: >= 1, CategoryId: >= 1 } && double.IsFinite(row.Baseline.Mean) && double.IsFinite(row.Baseline.StdDev)
            && row.Baseline.StdDev >= 0 && row.Baseline.SampleCount >= 0,
        "only valid baselines are taken",
        $"{row}");

    /// <inheritdoc/>
    public override string Run(byte[] input)
    {
        BaselineFileContent content;
        if (format == BaselineFileFormat.Pickle)
        {
            TypesLoaded.Begin();
        }

        try
        {
            content = BaselineFile.Parse(input, format, "fuzz");
        }
        catch (BaselineFileException e)
        {
            Property.Holds(
                e.Message.StartsWith("fuzz: ", StringComparison.Ordinal) && !e.Message.Any(char.IsControl),
                "a refusal is one printable line",
                $"{e.Message}");
            return Texts.Shape(e.Reason);
        }
        finally
        {
            TypesLoaded.Check();
        }

        foreach (BaselineRow row in content.Rows)
        {
            CheckRow(row);
        }

        foreach (RefusedBaseline refused in content.Refused)
        {
            Property.Holds(!refused.Errors.IsEmpty && !refused.ToString().Any(char.IsControl), "a refused row says why on one printable line", $"{refused}");
        }

        Property.Same(content.Rows.Count, content.Rows.Select(row => row.Key).Distinct().Count(), "a key is there once");
        WritesWhatItReads(content.Rows);
        return $"{Math.Min(3, content.Rows.Count)} {Math.Min(2, content.Duplicates.Count)} "
            + $"{(content.Refused.Count == 0 ? "" : Texts.Shape(content.Refused[0].Reason))}";
    }

    private static void WritesWhatItReads(IReadOnlyList<BaselineRow> rows)
    {
        BaselineRow[] sorted = [.. rows.OrderBy(row => row.Key.UserId).ThenBy(row => row.Key.CategoryId)];
        foreach (BaselineFileFormat to in Enum.GetValues<BaselineFileFormat>())
        {
            var file = new MemoryStream();
            long written = BaselineFile.WriteAsync(file, to, sorted.ToAsyncEnumerable(), CancellationToken.None).GetAwaiter().GetResult();
            BaselineFileContent again = BaselineFile.Parse(file.ToArray(), to, "again");
            Property.Same(sorted.Length, (int)written, "every row is written");
            Property.Holds(again.Refused.Count == 0 && again.Duplicates.Count == 0, "nothing that was written is refused", $"{to}");
            Property.SameItems([.. sorted.Select(Exactly)], [.. again.Rows.Select(Exactly)], "what is written reads back, bit by bit");
        }
    }

    // Bits are compared, because -0.0 equals 0.0.
    private static (BaselineKey Key, long Mean, long StdDev, long Count) Exactly(BaselineRow row) =>
        (row.Key, BitConverter.DoubleToInt64Bits(row.Baseline.Mean), BitConverter.DoubleToInt64Bits(row.Baseline.StdDev), row.Baseline.SampleCount);
}
