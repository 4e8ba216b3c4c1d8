using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using FinanceIngest.Bench.Processes;

namespace FinanceIngest.Bench.Reporting;

/// <summary>Describes the machine of a measurement.</summary>
internal static class Machine
{
    /// <summary>Returns the properties of the machine, as names and values.</summary>
    public static async Task<IReadOnlyList<(string Name, string Value)>> DescribeAsync(string dataFolder, CancellationToken cancellationToken)
    {
        Series fsync = DiskProbe.Measure(dataFolder, rounds: 300);
        return
        [
            ("Processor", Processor()),
            ("Cores", $"{Environment.ProcessorCount}, shared by servers, databases, emulator and load generator"),
            ("Memory", $"{GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (1 << 20):N0} MiB"),
            ("Operating system", RuntimeInformation.OSDescription),
            (".NET", RuntimeInformation.FrameworkDescription),
            ("Node", await ReadAsync("node", ["--version"], cancellationToken)),
            ("Azurite", AzuriteProcess.Version),
            ("Disk: 4 KiB write and fsync", string.Create(CultureInfo.InvariantCulture,
                $"median {fsync.Median:F2} ms, p99 {Statistics.Percentile(fsync.Values, 99):F2} ms")),
        ];
    }

    /// <summary>Returns the commit that is checked out, with a plus sign when the work tree differs from it.</summary>
    public static async Task<string> CommitAsync(CancellationToken cancellationToken)
    {
        string commit = await ReadAsync("git", ["-C", Repository.Root, "rev-parse", "--short", "HEAD"], cancellationToken);
        string changes = await ReadAsync("git", ["-C", Repository.Root, "status", "--porcelain", "--untracked-files=no"], cancellationToken);
        return changes.Length == 0 ? commit : commit + "+";
    }

    private static string Processor() =>
        File.Exists("/proc/cpuinfo")
            ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(
                ':', 2)[1].Trim() ?? "unknown"
            : RuntimeInformation.ProcessArchitecture.ToString();

    private static async Task<string> ReadAsync(string program, string[] arguments, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true };
        using Process process = Process.Start(start)!;
        string output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return output.Trim();
    }
}
