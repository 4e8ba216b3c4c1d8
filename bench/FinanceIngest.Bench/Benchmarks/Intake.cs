using System.Net;
using FinanceIngest.Bench.Load;
using FinanceIngest.Bench.Processes;
using FinanceIngest.Bench.Reporting;
using FinanceIngest.Bench.Storage;

namespace FinanceIngest.Bench.Benchmarks;

/// <summary>The HTTP intake alone, without a scorer, against the upper bound of its web server.</summary>
internal static class Intake
{
    private const int Connections = 64;
    private const int PerRequest = 1000;

    public static IReadOnlyList<Benchmark> Benchmarks { get; } =
    [
        new("intake", "single POSTs against an empty endpoint", RunSinglesAsync),
        new("intake-batches", "batches of 1,000 against parsing them", RunBatchesAsync),
    ];

    private static async Task<Section> RunSinglesAsync(BenchContext context)
    {
        int count = context.Size(100_000);
        IReadOnlyList<byte[]> bodies = new TransactionSource(1000, Installation.Ids).NextBodies(count);
        IReadOnlyList<Series> series = await RunAsync(context, "/api/transactions", bodies, Connections, ceilingRepeats: 1);
        Series fsync = DiskProbe.Measure(context.Folder.Path, rounds: 300);
        return new Section(
            "Intake of single transactions",
            $"{count:N0} requests of one transaction over {Connections} connections; embedded storage, scorer off; each is answered only when it is "
                + "durable. The empty endpoint parses the same body on the same web server and keeps nothing.",
            [.. series, fsync],
            [Ratio.Of("single POSTs against an empty endpoint, 64 connections", series[0], series[1], Target.AtLeast(0.6))],
            []);
    }

    private static async Task<Section> RunBatchesAsync(BenchContext context)
    {
        int count = context.Size(1_000_000);
        IReadOnlyList<byte[]> bodies = new TransactionSource(1000, Installation.Ids).NextBatchBodies(count, PerRequest);
        IReadOnlyList<Series> series = await RunAsync(context, "/api/transactions/batch", bodies, connections: 8, ceilingRepeats: 5);
        return new Section(
            "Intake of batches",
            $"{count:N0} transactions in requests of {PerRequest:N0} over 8 connections; embedded storage, scorer off. The empty endpoint parses the "
                + "same body on the same web server and keeps nothing.",
            series,
            [Ratio.Of("batch intake against parsing the same bodies", series[0], series[1], Target.AtLeast(0.5))],
            []);
    }

    // The empty endpoint gets the same bodies several times when a single pass would be too short to measure.
    private static async Task<IReadOnlyList<Series>> RunAsync(
        BenchContext context, string path, IReadOnlyList<byte[]> bodies, int connections, int ceilingRepeats)
    {
        int count = path.EndsWith("/batch", StringComparison.Ordinal) ? bodies.Count * PerRequest : bodies.Count;
        byte[][] repeated = [.. Enumerable.Repeat(bodies, ceilingRepeats).SelectMany(body => body)];
        using Installation installation = await Installation.CreateAsync(context.Folder, "intake", baselines: 0, context.CancellationToken);
        await using ChildProcess server = ChildProcess.Start(
            "IngestServer", context.Folder, ["--urls", "http://127.0.0.1:0"], [.. installation.Environment, ("FinanceIngest__Roles", "intake")]);
        await using ChildProcess empty = ChildProcess.Start("EmptyEndpoint", context.Folder, ["--urls", "http://127.0.0.1:0"]);
        var intake = new HttpLoad(await server.AddressAsync(), path, connections);
        var ceiling = new HttpLoad(await empty.AddressAsync(), path, connections);
        return await context.TakeTurnsAsync(
            new Contender(
                "intake",
                "transactions/s",
                async _ => count / (await intake.SendAsync(bodies, HttpStatusCode.Accepted, context.CancellationToken)).TotalSeconds),
            new Contender("empty endpoint that parses the same body", "transactions/s", async _ =>
                (double)count * ceilingRepeats / (await ceiling.SendAsync(repeated, HttpStatusCode.Accepted, context.CancellationToken)).TotalSeconds));
    }
}
