using System.Diagnostics;
using System.Globalization;
using FinanceIngest.Bench.Load;
using FinanceIngest.Bench.Processes;
using FinanceIngest.Bench.Reporting;
using FinanceIngest.Bench.Storage;
using FinanceIngest.Queueing.Embedded;

namespace FinanceIngest.Bench.Benchmarks;

/// <summary>IngestServer that drains its embedded queue while ten people look at its page, and while nobody does.</summary>
internal static class Viewers
{
    private const int Baselines = 1000;
    private const int People = 10;

    public static Benchmark Benchmark { get; } = new("viewers", "IngestServer draining its queue with ten viewers of its page, and with none", RunAsync);

    private static async Task<Section> RunAsync(BenchContext context)
    {
        int count = context.Size(200_000);
        using Installation installation = await Installation.CreateAsync(context.Folder, "service", Baselines, context.CancellationToken);
        using EmbeddedQueue queue = installation.OpenInboundQueue();
        await using ChildProcess server = ChildProcess.Start("IngestServer", context.Folder, ["--urls", "http://127.0.0.1:0"], installation.Environment);
        Uri address = await server.AddressAsync();
        var source = new TransactionSource(Baselines, Installation.Ids);
        var events = new List<double>();
        var polls = new List<double>();
        var loads = new List<double>();
        long rows = 0;
        IReadOnlyList<Series> series = await context.TakeTurnsAsync(
            new Contender("drain with ten viewers", "transactions/s", async warmUp =>
            {
                var viewers = new List<Viewer>();
                try
                {
                    for (int i = 0; i < People; i++)
                    {
                        viewers.Add(await Viewer.OpenAsync(address, context.CancellationToken));
                    }

                    (long eventsBefore, long pollsBefore) = (viewers.Sum(viewer => viewer.Events), viewers.Sum(viewer => viewer.Polls));
                    double rate = await DrainAsync();
                    if (!warmUp)
                    {
                        events.Add(viewers.Sum(viewer => viewer.Events) - eventsBefore);
                        polls.Add(viewers.Sum(viewer => viewer.Polls) - pollsBefore);
                    }

                    return rate;
                }
                finally
                {
                    foreach (Viewer viewer in viewers)
                    {
                        await viewer.DisposeAsync();
                    }
                }
            }),
            new Contender("drain without", "transactions/s", _ => DrainAsync()));
        return new Section(
            "Viewers of the page beside a drain",
            $"""
            {count:N0} transactions, 1 % of them anomalies, in packed messages on the embedded queue of one IngestServer, which scores and alerts them
            itself; it is warm and held while the queue is filled, and the clock runs from when it is let go until the queue is empty and the alerts
            are sent. In every other turn {People} viewers hold `/api/events` and ask for `/api/status/history` as the page's first view does;
            they run in the harness, on the same cores.
            """,
            [.. series, new Series("events that the viewers received", "events", events), new Series("histories that they asked for", "requests", polls)],
            [Ratio.Of("drain with ten viewers against without", series[0], series[1], Target.AtLeast(0.95))],
            [string.Create(CultureInfo.InvariantCulture, $"The machine's load average of a minute before the turns: {loads.Min():N1} to {loads.Max():N1}.")]);

        async Task<double> DrainAsync()
        {
            loads.Add(double.Parse((await File.ReadAllTextAsync("/proc/loadavg", context.CancellationToken)).Split(' ')[0], CultureInfo.InvariantCulture));
            await installation.HoldAsync(server, context.CancellationToken);
            await queue.FillAsync(source.NextPacked(count), context.CancellationToken);
            rows += count;
            long start = Stopwatch.GetTimestamp();
            server.LetGo();
            await installation.UntilScoredAsync(rows, server, context.CancellationToken);
            await queue.UntilEmptyAsync(server, context.CancellationToken);
            TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
            installation.RequireRows(rows);
            return count / elapsed.TotalSeconds;
        }
    }
}
