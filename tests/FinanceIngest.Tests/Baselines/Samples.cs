using System.Text;
using FinanceIngest.Baselines;
using FinanceIngest.Cli.Baselines;

namespace FinanceIngest.Tests.Baselines;

/// <summary>The pickles beside this file (see Samples/README.md), and helpers that parse contents written in a test.</summary>
internal static class Samples
{
    /// <summary>The rows that most of the sample pickles hold.</summary>
    public static readonly BaselineRow[] Rows =
    [
        Row(399, 2310, 2000, 500, 40), Row(399, 2311, 0.1, 5e-324, 2), Row(long.MaxValue, 70000, -123456789.125, 0, 3000000000),
    ];

    public static IEnumerable<string> Names =>
        Directory.EnumerateFiles(PathOf(""), "*.pkl").Select(path => Path.GetFileNameWithoutExtension(path)).Order(StringComparer.Ordinal);

    public static string PathOf(string name) => Path.Combine(AppContext.BaseDirectory, "Baselines", "Samples", name);

    public static byte[] Bytes(string name) => File.ReadAllBytes(PathOf(name + ".pkl"));

    public static BaselineRow Row(long user, long category, double mean, double stdDev, long count) =>
        new(new BaselineKey(user, category), new Baseline(mean, stdDev, count));

    /// <summary>Returns one byte per character of the text.</summary>
    public static byte[] Latin1(string text) => Encoding.Latin1.GetBytes(text);

    public static BaselineFileContent ReadPickle(byte[] bytes) => BaselineFile.Parse(bytes, BaselineFileFormat.Pickle, "test.pkl");

    public static BaselineFileContent ReadPickle(string latin1) => ReadPickle(Latin1(latin1));

    public static BaselineFileContent ReadCsv(string text) => BaselineFile.Parse(Encoding.UTF8.GetBytes(text), BaselineFileFormat.Csv, "test.csv");

    public static BaselineFileContent ReadJson(string text) => BaselineFile.Parse(Encoding.UTF8.GetBytes(text), BaselineFileFormat.Json, "test.json");

    /// <summary>Asserts that reading fails with a message that names the file on one printable line, and returns the failure.</summary>
    public static BaselineFileException Fails(Action read)
    {
        BaselineFileException failure = Assert.Throws<BaselineFileException>(read);
        Assert.StartsWith("test.", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(failure.Message, char.IsControl);
        return failure;
    }

    public static async IAsyncEnumerable<BaselineRow> Stream(IEnumerable<BaselineRow> rows)
    {
        foreach (BaselineRow row in rows)
        {
            await Task.CompletedTask;
            yield return row;
        }
    }
}
