using System.Diagnostics;
using System.Globalization;
using FinanceIngest.Chaos.Processes;

namespace FinanceIngest.Chaos.Scenarios;

/// <summary>Runs a steady load for a long time. Memory, handles, threads and the sizes of the queue files must stay flat.</summary>
internal sealed class Soak : IScenario
{
    private static readonly TimeSpan s_sample = TimeSpan.FromSeconds(10);

    public string Name => "soak";

    public string Description => "a steady load; samples memory, handles, threads and file sizes into soak.csv (--minutes N, --rate N)";

    public async Task RunAsync(Run run, CancellationToken cancellationToken)
    {
        await run.StartUsualAsync(cancellationToken);
        var samples = new List<Sample>();
        long begun = Stopwatch.GetTimestamp();
        using (var timer = new PeriodicTimer(s_sample))
        {
            while (Stopwatch.GetElapsedTime(begun).TotalMinutes < run.Options.Minutes && await timer.WaitForNextTickAsync(cancellationToken))
            {
                await run.Mail.CollectAsync(cancellationToken);
                samples.AddRange(Take(run, Stopwatch.GetElapsedTime(begun).TotalSeconds));
            }
        }

        if (run.Options.Results is { } results)
        {
            Directory.CreateDirectory(results);
            await File.WriteAllLinesAsync(
                Path.Combine(results, "soak.csv"),
                [
                    "seconds,what,metric,value",
                    .. samples.Select(sample =>
                        string.Create(CultureInfo.InvariantCulture, $"{sample.Seconds:F0},{sample.What},{sample.Metric},{sample.Value}")),
                ],
                cancellationToken);
        }

        run.Tell("| what | metric | second quarter | last quarter | most |");
        run.Tell("|---|---|---:|---:|---:|");
        foreach (IGrouping<(string What, string Metric), Sample> series in samples.GroupBy(sample => (sample.What, sample.Metric)))
        {
            Compare(run, series.Key.What, series.Key.Metric, [.. series.Select(sample => sample.Value)]);
        }

        await run.FinishAsync(cancellationToken);
    }

    // The first quarter is ignored, because processes still warm up: tiered compilation, pools, the first full collection.
    private static void Compare(Run run, string what, string metric, long[] values)
    {
        int quarter = values.Length / 4;
        if (quarter == 0)
        {
            return;
        }

        double before = values.Skip(quarter).Take(quarter).Average();
        double after = values.TakeLast(quarter).Average();
        run.Tell(string.Create(CultureInfo.InvariantCulture, $"| {what} | {metric} | {before:F0} | {after:F0} | {values.Max()} |"));

        // Only the database may grow, because it keeps all rows.
        if (what != "finance-ingest.db")
        {
            // A SQLite file keeps the size of its largest backlog, so a single step is not counted as growth.
            double allowed = metric switch
            {
                "MB" => (before * 1.15) + 10,
                "kB" => (before * 1.2) + 1024,
                _ => (before * 1.2) + 20,
            };
            run.Audit.Check(
                after <= allowed,
                string.Create(CultureInfo.InvariantCulture, $"{what}, {metric}: flat ({before:F0} in the second quarter, {after:F0} in the last)"));
        }
    }

    private static IEnumerable<Sample> Take(Run run, double seconds)
    {
        foreach (ServiceProcess process in run.Fleet.All)
        {
            var figures = ProcessFigures.Of(process);
            yield return new Sample(seconds, process.Name, "MB", figures.Megabytes);
            yield return new Sample(seconds, process.Name, "handles", figures.Handles);
            yield return new Sample(seconds, process.Name, "threads", figures.Threads);
        }

        foreach (FileInfo file in new DirectoryInfo(run.Installation.DataDirectory)
            .GetFiles("*.db*")
            .Where(file => !file.Name.EndsWith("-shm", StringComparison.Ordinal)))
        {
            yield return new Sample(seconds, file.Name, "kB", file.Length / 1024);
        }
    }

    private sealed record Sample(double Seconds, string What, string Metric, long Value);
}
