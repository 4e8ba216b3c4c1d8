using System.Net;
using FinanceIngest.Bench.Processes;
using FinanceIngest.Bench.Reporting;

namespace FinanceIngest.Bench.Benchmarks;

/// <summary>The hot functions in isolation, measured by BenchmarkDotNet.</summary>
internal static class Micro
{
    public static Benchmark Benchmark { get; } = new("micro", "hot functions by BenchmarkDotNet, with allocations", RunAsync);

    private static async Task<Section> RunAsync(BenchContext context)
    {
        string artifacts = context.Folder.NewFolder("micro");
        await using ChildProcess micro = ChildProcess.Start("FinanceIngest.Micro", context.Folder, ["--filter", "*", "--artifacts", artifacts]);
        int exitCode = await micro.EndAsync(context.CancellationToken);
        string[] tables = Directory.GetFiles(artifacts, "*-report-github.md", SearchOption.AllDirectories);
        if (exitCode != 0 || tables.Length == 0)
        {
            throw new InvalidOperationException($"BenchmarkDotNet ended with {exitCode}; see {micro.LogPath}.");
        }

        // The text before the table describes the machine, as the report already does.
        IEnumerable<string> rows = File.ReadLines(tables[0]).Where(line => line.StartsWith('|')).Select(WebUtility.HtmlDecode).OfType<string>();
        return new Section("Hot functions", "BenchmarkDotNet, short job. Time and memory are per transaction.", [], [], [.. rows]);
    }
}
