using System.Globalization;
using FinanceIngest.Chaos.Processes;

namespace FinanceIngest.Chaos.Scenarios;

/// <summary>The memory, open files and threads of a process, read from /proc.</summary>
internal readonly record struct ProcessFigures(long Megabytes, int Handles, int Threads, long PeakMegabytes)
{
    public static ProcessFigures Of(ServiceProcess process)
    {
        string folder = $"/proc/{process.Id.ToString(CultureInfo.InvariantCulture)}";
        Dictionary<string, string> status = File.ReadLines($"{folder}/status")
            .Select(line => line.Split(':', 2))
            .ToDictionary(pair => pair[0], pair => pair[1].Trim(), StringComparer.Ordinal);
        return new ProcessFigures(
            Megabytes("VmRSS"),
            Directory.GetFiles($"{folder}/fd").Length,
            int.Parse(status["Threads"], CultureInfo.InvariantCulture),
            Megabytes("VmHWM"));

        long Megabytes(string name) => long.Parse(status[name].Split(' ')[0], CultureInfo.InvariantCulture) / 1024;
    }
}
