using System.Diagnostics;
using System.Net;
using FinanceIngest.Bench.Load;
using FinanceIngest.Bench.Processes;
using FinanceIngest.Bench.Reporting;
using FinanceIngest.Bench.Storage;

namespace FinanceIngest.Bench.Benchmarks;

/// <summary>The time from HTTP requests to scored rows, against the older synchronous design.</summary>
internal static class EndToEnd
{
    private const int Connections = 64;
    private const int Baselines = 1000;
    private const int PerRequest = 1000;

    public static Benchmark Benchmark { get; } = new("end-to-end", "HTTP request to scored row, against the older synchronous design", RunAsync);

    private static async Task<Section> RunAsync(BenchContext context)
    {
        int count = context.Size(30_000);
        int synchronousCount = Math.Max(count / 10, Connections);
        int batchedCount = (int)Math.Max(count * 4L / PerRequest, 1) * PerRequest;
        using Installation installation = await Installation.CreateAsync(context.Folder, "service", Baselines, context.CancellationToken);
        using Installation older = await Installation.CreateAsync(context.Folder, "older", Baselines, context.CancellationToken);
        await using ChildProcess server = ChildProcess.Start("IngestServer", context.Folder, ["--urls", "http://127.0.0.1:0"], installation.Environment);
        await using ChildProcess synchronous = ChildProcess.Start(
            "SynchronousService", context.Folder, ["--urls", "http://127.0.0.1:0", "--database", older.DatabasePath]);
        Uri address = await server.AddressAsync();
        var singles = new HttpLoad(address, "/api/transactions", Connections);
        var batches = new HttpLoad(address, "/api/transactions/batch", Connections);
        var olderSingles = new HttpLoad(await synchronous.AddressAsync(), "/api/score-transaction", Connections);
        var source = new TransactionSource(Baselines, Installation.Ids);
        long rows = 0;
        long olderRows = 0;

        async Task<double> SubmitAsync(HttpLoad load, IReadOnlyList<byte[]> bodies, int transactions)
        {
            rows += transactions;
            long start = Stopwatch.GetTimestamp();
            await load.SendAsync(bodies, HttpStatusCode.Accepted, context.CancellationToken);
            await installation.UntilScoredAsync(rows, server, context.CancellationToken);
            TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
            installation.RequireRows(rows);
            return transactions / elapsed.TotalSeconds;
        }

        IReadOnlyList<Series> series = await context.TakeTurnsAsync(
            new Contender(
                "this system, batches of 1,000",
                "transactions/s",
                _ => SubmitAsync(batches, source.NextBatchBodies(batchedCount, PerRequest), batchedCount)),
            new Contender("this system, single POSTs", "transactions/s", _ => SubmitAsync(singles, source.NextBodies(count), count)),
            new Contender("older synchronous design", "transactions/s", async _ =>
            {
                TimeSpan elapsed = await olderSingles.SendAsync(source.NextBodies(synchronousCount), HttpStatusCode.OK, context.CancellationToken);
                older.RequireRows(olderRows += synchronousCount);
                return synchronousCount / elapsed.TotalSeconds;
            }));
        return new Section(
            "End to end",
            $"""
            From the first request until the last row is scored and stored, {Connections} connections each, embedded storage, 1 % anomalies:
            {count:N0} single POSTs, {batchedCount:N0} transactions in batches of {PerRequest:N0}, and {synchronousCount:N0} single POSTs to the older
            design, which selects, scores, inserts and commits before it answers (the same SQLite pragmas and indexes).
            """,
            series,
            [
                Ratio.Of("end to end, batches of 1,000, against the older synchronous design", series[0], series[2], Target.AtLeast(20)),
                Ratio.Of("end to end, single POSTs, against the older synchronous design", series[1], series[2], null),
            ],
            []);
    }
}
