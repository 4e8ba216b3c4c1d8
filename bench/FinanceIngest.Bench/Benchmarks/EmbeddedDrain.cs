using System.Diagnostics;
using FinanceIngest.Bench.Load;
using FinanceIngest.Bench.Processes;
using FinanceIngest.Bench.Reporting;
using FinanceIngest.Bench.Storage;
using FinanceIngest.Queueing.Embedded;

namespace FinanceIngest.Bench.Benchmarks;

/// <summary>The worker on embedded storage against the mere insertion of the same rows.</summary>
internal static class EmbeddedDrain
{
    private const int Baselines = 1000;

    public static Benchmark Benchmark { get; } = new("drain-embedded", "the worker on embedded storage against raw bulk insert", RunAsync);

    private static async Task<Section> RunAsync(BenchContext context)
    {
        int count = context.Size(150_000);
        using Installation installation = await Installation.CreateAsync(context.Folder, "worker", Baselines, context.CancellationToken);
        using Installation copy = await Installation.CreateAsync(context.Folder, "copy", Baselines, context.CancellationToken);
        using EmbeddedQueue queue = installation.OpenInboundQueue();
        await using ChildProcess worker = ChildProcess.Start("ScoringWorker", context.Folder, ["--urls", "http://127.0.0.1:0"], installation.Environment);
        await worker.OpenedAsync();
        var source = new TransactionSource(Baselines, Installation.Ids);
        var batchSizes = new List<double>();
        long rows = 0;
        int perBatch = count;
        IReadOnlyList<Series> series = await context.TakeTurnsAsync(
            new Contender("worker on embedded storage", "transactions/s", async warmUp =>
            {
                await installation.HoldAsync(worker, context.CancellationToken);
                await queue.FillAsync(source.NextPacked(count), context.CancellationToken);
                rows += count;
                long batches = installation.BatchesWritten();
                long start = Stopwatch.GetTimestamp();
                worker.LetGo();
                await installation.UntilScoredAsync(rows, worker, context.CancellationToken);
                await queue.UntilEmptyAsync(worker, context.CancellationToken);
                TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
                await installation.HoldAsync(worker, context.CancellationToken);
                installation.RequireRows(rows);
                perBatch = (int)(count / (installation.BatchesWritten() - batches));
                batchSizes.AddRange(warmUp ? [] : [perBatch]);
                return count / elapsed.TotalSeconds;
            }),
            new Contender("raw bulk insert of the same rows", "transactions/s", _ => Task.FromResult(
                count / RawRows.ReadLast(installation.DatabasePath, count).Insert(copy.DatabasePath, perBatch).TotalSeconds)));
        return new Section(
            "Drain of the embedded queue",
            $"""
            {count:N0} transactions, 1 % of them anomalies, in packed messages; the worker is warm and held while the queue is filled, and the clock
            runs from when it is let go until the queue is empty: rows written, messages deleted, alerts sent and marked as sent. Then the rows that
            this made are read into memory and inserted into a copy of the database, as many to a transaction as the worker's batches had.
            """,
            [.. series, new Series("rows in the worker's batch", "rows", batchSizes)],
            [Ratio.Of("drain on embedded storage against raw bulk insert of the same rows", series[0], series[1], Target.AtLeast(0.8))],
            []);
    }
}
