using System.Diagnostics;

namespace FinanceIngest.Bench.Reporting;

/// <summary>Measures how long the disk takes to make four kilobytes durable, which is the least time of a commit.</summary>
internal static class DiskProbe
{
    public static Series Measure(string folder, int rounds)
    {
        string path = Path.Combine(folder, "fsync.probe");
        byte[] page = new byte[4096];
        var times = new double[rounds];
        using (var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0))
        {
            for (int i = 0; i < rounds; i++)
            {
                long start = Stopwatch.GetTimestamp();
                file.Write(page);
                file.Flush(flushToDisk: true);
                times[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            }
        }

        File.Delete(path);
        return new Series("write of 4 KiB and fsync", "ms", times);
    }
}
