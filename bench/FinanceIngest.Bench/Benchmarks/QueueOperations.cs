using System.Net;
using FinanceIngest.Bench.Load;
using FinanceIngest.Bench.Processes;
using FinanceIngest.Bench.Reporting;
using FinanceIngest.Bench.Storage;

namespace FinanceIngest.Bench.Benchmarks;

/// <summary>The operations on the inbound queue that Azure would bill, counted in Azurite's access log.</summary>
internal static class QueueOperations
{
    private const int PerRequest = 1000;

    public static Benchmark Benchmark { get; } = new("queue-operations", "operations on the inbound queue per 1,000 transactions", RunAsync);

    private static async Task<Section> RunAsync(BenchContext context)
    {
        int count = context.Size(20_000);
        await using AzuriteProcess azurite = await AzuriteProcess.StartAsync(context.Folder, logsAccesses: true);
        using Installation installation = await Installation.CreateAsync(context.Folder, "service", baselines: 1000, context.CancellationToken);
        AzureQueue queue = await azurite.CreateQueueAsync("transactions-inbound", context.CancellationToken);
        (string, string)[] environment =
            [
                ("FinanceIngest__DataDirectory", installation.Folder), .. installation.Environment[1..2],
                ("AZURE_STORAGE_CONNECTION_STRING", azurite.ConnectionString),
            ];
        await using ChildProcess server = ChildProcess.Start(
            "IngestServer", context.Folder, ["--urls", "http://127.0.0.1:0"], [.. environment, ("FinanceIngest__Roles", "intake")]);
        await using ChildProcess worker = ChildProcess.Start("ScoringWorker", context.Folder, ["--urls", "http://127.0.0.1:0"], environment);
        await worker.AddressAsync();
        Uri address = await server.AddressAsync();
        var source = new TransactionSource(1000, Installation.Ids, anomalyEvery: 0);
        var operations = new Dictionary<string, List<double>>();
        long rows = 0;

        Contender Load(string name, HttpLoad load, Func<IReadOnlyList<byte[]>> bodies) => new(name, "operations per 1,000 transactions", async warmUp =>
        {
            long before = azurite.AccessLogLength;
            rows += count;
            await load.SendAsync(bodies(), HttpStatusCode.Accepted, context.CancellationToken);
            await installation.UntilScoredAsync(rows, worker, context.CancellationToken);
            await queue.UntilEmptyAsync(worker, context.CancellationToken);
            installation.RequireRows(rows);
            QueueAccesses accesses = await azurite.ReadAccessesAsync(queue.Name, before, context.CancellationToken);
            double thousands = count / 1000.0;
            foreach ((string operation, int found) in accesses.ByOperation.Where(_ => !warmUp))
            {
                string key = $"{name}: {operation}";
                operations.TryAdd(key, []);
                operations[key].Add(found / thousands);
            }

            return accesses.Total / thousands;
        });

        IReadOnlyList<Series> series = await context.TakeTurnsAsync(
            Load("batches of 1,000, 4 connections", new HttpLoad(address, "/api/transactions/batch", 4), () => source.NextBatchBodies(count, PerRequest)),
            Load("single POSTs, 256 connections", new HttpLoad(address, "/api/transactions", 256), () => source.NextBodies(count)));
        return new Section(
            "Operations on the inbound queue",
            $"""
            {count:N0} transactions without anomalies through the intake into Azurite, scored by a worker that runs at the same time, both with their
            standard settings. Counted in Azurite's access log, from the first put to the last delete: put, get (polls that find nothing included) and
            delete of messages.
            """,
            [.. series, .. operations.Select(entry => new Series(entry.Key, "operations per 1,000 transactions", entry.Value))],
            [
                Ratio.Of(series[0] with { Name = "queue operations per 1,000 transactions, batches" }, Target.AtMost(12)),
                Ratio.Of(series[1] with { Name = "queue operations per 1,000 transactions, single POSTs at 256 connections" }, Target.AtMost(25)),
            ],
            []);
    }
}
