using FinanceIngest.Bench.Load;
using FinanceIngest.Bench.Processes;
using FinanceIngest.Bench.Reporting;
using FinanceIngest.Bench.Storage;
using FinanceIngest.Queueing.Embedded;

namespace FinanceIngest.Bench.Benchmarks;

/// <summary>The number of round trips from the worker to SQL Server for a batch.</summary>
internal static class RoundTrips
{
    private const int Count = 10_000;

    public static Benchmark Benchmark { get; } = new(
        "round-trips", $"SQL Server round trips per scored batch; wants {SqlServerDatabase.Setting}", RunAsync);

    private static async Task<Section> RunAsync(BenchContext context)
    {
        string server = SqlServerDatabase.Server ?? throw new NotMeasuredException($"no {SqlServerDatabase.Setting}");
        int count = context.Size(Count);
        using Installation installation = await Installation.CreateAsync(context.Folder, "worker", baselines: 0, context.CancellationToken);
        await using SqlServerDatabase database = await SqlServerDatabase.CreateAsync(
            server, context.Folder, installation.Environment, context.CancellationToken);
        (string host, int port) = database.Address();
        await using var proxy = new RoundTripProxy(host, port);
        using EmbeddedQueue queue = installation.OpenInboundQueue();
        await using ChildProcess worker = ChildProcess.Start(
            "ScoringWorker", context.Folder, ["--urls", "http://127.0.0.1:0"],
            [.. installation.Environment, ("SQL_CONNECTION_STRING", database.ConnectionStringThrough(proxy.Port))]);
        await worker.AddressAsync();
        var source = new TransactionSource(1000, Installation.Ids, anomalyEvery: 0);
        var rates = new List<double>();
        long rows = 0;
        IReadOnlyList<Series> series = await context.TakeTurnsAsync(new Contender("round trips per scored batch", "round trips", async _ =>
        {
            long batches = (await database.CountAsync(context.CancellationToken)).Batches;
            (long trips, long connections) = (proxy.RoundTrips, proxy.Connections);
            await queue.FillAsync(source.NextPacked(count), context.CancellationToken);
            rows += count;
            (long Rows, long Batches) found;
            do
            {
                worker.ThrowIfEnded();
                await Task.Delay(50, context.CancellationToken);
                found = await database.CountAsync(context.CancellationToken);
            }
            while (found.Rows < rows);
            await queue.UntilEmptyAsync(worker, context.CancellationToken);
            if (rows > count && proxy.Connections != connections)
            {
                throw new InvalidOperationException("The worker opened a connection during the measurement: its login was counted too.");
            }

            rates.Add((double)count / (found.Batches - batches));
            return (double)(proxy.RoundTrips - trips) / (found.Batches - batches);
        }));
        return new Section(
            "Round trips to SQL Server",
            $"""
            {count:N0} transactions without anomalies in packed messages, from the embedded queue into SQL Server. A proxy between worker and server
            counts how often the worker speaks after the server has spoken, begin, commit and everything else included; batches are the rows of
            `feed_batches`.
            """,
            [series[0], new Series("rows per batch", "rows", rates[^context.Runs..])],
            [Ratio.Of(series[0], Target.AtMost(3))],
            ["SQLite runs inside the process: there are no round trips to count."]);
    }
}
