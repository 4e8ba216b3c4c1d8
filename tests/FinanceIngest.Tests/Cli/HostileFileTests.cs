using System.Text;
using FinanceIngest.Cli.Baselines;
using FinanceIngest.Cli.Files;
using FinanceIngest.Cli.Submitting;

namespace FinanceIngest.Tests.Cli;

/// <summary>Files that are made to take long or much memory. What is allocated stands for both, because it does not depend on the machine.</summary>
public sealed class HostileFileTests
{
    private const string Header = "user_id,category_id,amount,memo\n";
    private const int Size = 2 << 20;

    private static readonly Dictionary<string, (string Name, string Start, string Line)> s_files = new()
    {
        ["quotes that are never closed"] = (".csv", Header, "1,2,3,\"abc\n"),
        ["quotes in the middle of fields"] = (".csv", Header, "1,2,3\"4,x\n"),
        ["a quote that is never closed, and escaped ones"] = (".csv", Header + "1,2,3,\"\n", "1,2,\"\"3,4\n"),
        ["lines that are complete on their own and go on as a continuation"] = (".csv", Header + "1,2,3,\"\n", "\",\"\n"),
        ["rows of one field"] = (".csv", Header, "x\n"),
        ["empty lines"] = (".csv", Header, "\n"),
        ["separators only"] = (".csv", Header, ",,,,,,,,\n"),
        ["one line of separators"] = (".csv", Header, ","),
        ["one line of NUL bytes"] = (".csv", Header, "\0"),
        ["no header, quotes"] = (".csv", "", "\"\n"),
        ["no header, separators"] = (".csv", "", ";,"),
        ["objects that are not closed"] = (".ndjson", "", "{\"a\"\n"),
        ["arrays in arrays"] = (".ndjson", "", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n"),
        ["one line of brackets"] = (".ndjson", "", "["),
        ["names that are no Unicode"] = (".ndjson", "", "{\"\\ud800\":1,}\n"),
    };

    private static readonly Dictionary<string, (string Start, byte[] Unit)> s_baselineFiles = new()
    {
        ["rows that are refused.csv"] = ("user_id,category_id,mean,std_dev,sample_count\n", "1,2,x,1,1\n"u8.ToArray()),
        ["one line.csv"] = ("user_id,category_id,mean,std_dev,sample_count\n", "1,"u8.ToArray()),
        ["items that are refused.json"] = ("[", "{\"user_id\":0},"u8.ToArray()),
        ["brackets.json"] = ("", "["u8.ToArray()),
        ["one number.json"] = ("[{\"user_id\":1,\"category_id\":1,\"mean\":", "9"u8.ToArray()),
        ["users that are refused.json"] = ("{", "\"x\":[[[[]]]],\n"u8.ToArray()),
        ["marks.pkl"] = ("\u0080\u0004", "("u8.ToArray()),
        ["dicts.pkl"] = ("\u0080\u0004", "}"u8.ToArray()),
        ["memos.pkl"] = ("\u0080\u0004}", [0x94]),
        ["one long number.pkl"] = ("\u0080\u0004", [0x8b, 0xff, 0xff, 0x0f, 0x00, .. new byte[0xfffff]]),
    };

    public static TheoryData<string> Files => [.. s_files.Keys];

    public static TheoryData<string> BaselineFiles => [.. s_baselineFiles.Keys];

    [Theory]
    [MemberData(nameof(Files))]
    public void What_reading_costs_grows_with_the_file_and_not_faster(string file)
    {
        (string name, string start, string line) = s_files[file];
        Read(name, Text(start, line, Size / 4));
        long small = Allocated(() => Read(name, Text(start, line, Size)));
        long large = Allocated(() => Read(name, Text(start, line, 4 * Size)));

        // Four times the size, and what the buffers cost on top of that.
        Assert.InRange(large, 0, (6 * small) + (16L << 20));
    }

    [Theory]
    [MemberData(nameof(BaselineFiles))]
    public void What_reading_baselines_costs_grows_with_the_file_and_not_faster(string file)
    {
        (string start, byte[] unit) = s_baselineFiles[file];
        BaselineFileFormat format = BaselineFile.FormatOf(file[file.LastIndexOf('.')..]);
        Refuse(Bytes(start, unit, Size / 4), format);
        long small = Allocated(() => Refuse(Bytes(start, unit, Size), format));
        long large = Allocated(() => Refuse(Bytes(start, unit, 4 * Size), format));

        Assert.InRange(large, 0, (6 * small) + (16L << 20));
    }

    [Fact]
    public void Of_very_many_rejected_rows_the_first_of_the_file_are_kept_in_whatever_order_they_come()
    {
        var tally = new SubmitTally();
        int[] lines = [.. Enumerable.Range(1, 4 * SubmitTally.MaximumKept)];
        new Random(1).Shuffle(lines);
        foreach (int line in lines)
        {
            tally.Reject(line, new string('x', 10_000));
        }

        Assert.Equal(lines.Length, tally.Rejected);
        Assert.Equal(Enumerable.Range(1, SubmitTally.MaximumKept).Select(line => (long)line), tally.RejectedRows.Select(row => row.Line));
        Assert.All(tally.RejectedRows, row => Assert.InRange(row.Reason.Length, 1, 501));
    }

    [Fact]
    public void Of_very_many_rows_with_a_repeated_key_the_first_are_kept()
    {
        var tally = new SubmitTally();
        for (int line = 2; line < 1_000; line++)
        {
            tally.CountRepeatedKey(new RepeatedKey(line, 1));
        }

        Assert.Equal((998, SubmitTally.MaximumRepeatedKeys), (tally.RepeatedKeyCount, tally.RepeatedKeys.Count));
    }

    private static byte[] Bytes(string start, byte[] unit, int size) =>
        [.. Encoding.Latin1.GetBytes(start), .. Enumerable.Repeat(unit, size / unit.Length).SelectMany(bytes => bytes)];

    private static void Refuse(byte[] file, BaselineFileFormat format)
    {
        try
        {
            Assert.Empty(BaselineFile.Parse(file, format, "file").Rows);
        }
        catch (BaselineFileException e)
        {
            Assert.InRange(e.Message.Length, 1, 1000);
        }
    }

    private static long Allocated(Action read)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        read();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static MemoryStream Text(string start, string line, int size) =>
        new(Encoding.UTF8.GetBytes(new StringBuilder(start).Insert(start.Length, line, size / line.Length).ToString()));

    private static void Read(string name, MemoryStream file)
    {
        try
        {
            Stream text = TextSource.Open(file, "no transaction");
            foreach (SourceRow row in name == ".csv" ? new CsvTransactionReader(text, FileForms.Plain).Read() : new NdjsonTransactionReader(text).Read())
            {
                Assert.NotNull(row.Problem);
            }
        }
        catch (FileProblemException)
        {
            // There is no header.
        }
    }
}
