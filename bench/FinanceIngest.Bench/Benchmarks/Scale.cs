using System.Diagnostics;
using FinanceIngest.Bench.Load;
using FinanceIngest.Bench.Processes;
using FinanceIngest.Bench.Reporting;
using FinanceIngest.Bench.Storage;
using FinanceIngest.Queueing.Embedded;

namespace FinanceIngest.Bench.Benchmarks;

/// <summary>The cost of a transaction in a large database.</summary>
internal static class Scale
{
    private const int SmallRows = 10_000;
    private const int SmallBaselines = 1000;
    private const int RowsPerBaseline = 5;

    // A single drain takes half a second, which is so short that other work of the machine would distort it.
    private const int DrainsPerTurn = 5;

    public static Benchmark Benchmark { get; } = new("scale", "cost per transaction at 5 M rows and 1 M baselines; --rows N for another number", RunAsync);

    private static async Task<Section> RunAsync(BenchContext context)
    {
        int count = context.Size(30_000);
        int rows = context.Options.Rows;
        await using var fleet = new Fleet(context, count);
        IReadOnlyList<Series> series = await context.TakeTurnsAsync(
            await fleet.AddAsync("time-ordered ids, small", SmallRows, SmallBaselines, keyed: false),
            await fleet.AddAsync("time-ordered ids, large", rows, rows / RowsPerBaseline, keyed: false),
            await fleet.AddAsync("keyed ids, small", SmallRows, SmallBaselines, keyed: true),
            await fleet.AddAsync("keyed ids, large", rows, rows / RowsPerBaseline, keyed: true));
        return new Section(
            "Cost in a database that has grown",
            $"""
            Elapsed time of {DrainsPerTurn} drains of {count:N0} transactions from the embedded queue, per transaction. Small: {SmallRows:N0} rows,
            {SmallBaselines:N0} baselines; large: {rows:N0} rows, {rows / RowsPerBaseline:N0} baselines, all of which occur. After each drain its rows
            are removed again. Keyed ids are hashes and fall anywhere into the index; the rows there before were put in in the order of their ids, so
            that the index's pages are full, which is its worst case.
            """,
            series,
            [
                Ratio.Of($"cost per transaction at {rows:N0} rows against {SmallRows:N0}, time-ordered ids", series[1], series[0], Target.AtMost(1.15)),
                Ratio.Of($"cost per transaction at {rows:N0} rows against {SmallRows:N0}, keyed ids", series[3], series[2], null),
            ],
            []);
    }

    /// <summary>Workers that take turns, each on a database of its own.</summary>
    private sealed class Fleet(BenchContext context, int count) : IAsyncDisposable
    {
        private readonly List<ChildProcess> _workers = [];
        private readonly List<IDisposable> _installations = [];

        public async Task<Contender> AddAsync(string name, int rows, int baselines, bool keyed)
        {
            Installation installation = await Installation.CreateAsync(context.Folder, "worker", baselines, context.CancellationToken);
            _installations.Add(installation);
            BenchContext.Say($"  making {rows:N0} rows: {name}");
            installation.AddOldRows(rows, keyed);
            EmbeddedQueue queue = installation.OpenInboundQueue();
            _installations.Add(queue);
            ChildProcess worker = ChildProcess.Start("ScoringWorker", context.Folder, ["--urls", "http://127.0.0.1:0"], installation.Environment);
            _workers.Add(worker);
            await worker.OpenedAsync();
            var source = new TransactionSource(baselines, Installation.Ids) { UsesKeyedIds = keyed };
            return new Contender(name, "µs per transaction", async _ =>
            {
                TimeSpan elapsed = TimeSpan.Zero;
                for (int drain = 0; drain < DrainsPerTurn; drain++)
                {
                    worker.Hold();
                    long before = installation.RowsWritten();
                    await queue.FillAsync(source.NextPacked(count), context.CancellationToken);
                    long start = Stopwatch.GetTimestamp();
                    worker.LetGo();
                    await installation.UntilScoredAsync(before + count, worker, context.CancellationToken);
                    await queue.UntilEmptyAsync(worker, context.CancellationToken);
                    elapsed += Stopwatch.GetElapsedTime(start);
                    worker.Hold();
                    installation.RemoveRowsAfter(rows);
                }

                return elapsed.TotalMicroseconds / DrainsPerTurn / count;
            });
        }

        public async ValueTask DisposeAsync()
        {
            foreach (ChildProcess worker in _workers)
            {
                await worker.DisposeAsync();
            }

            _installations.ForEach(installation => installation.Dispose());
        }
    }
}
