using System.Diagnostics;
using FinanceIngest.Bench.Load;
using FinanceIngest.Bench.Processes;
using FinanceIngest.Bench.Reporting;
using FinanceIngest.Bench.Storage;
using FinanceIngest.Queueing.Embedded;

namespace FinanceIngest.Bench.Benchmarks;

/// <summary>Drains of the embedded queue into a small and a large database, in turns.</summary>
internal static class GrownDrains
{
    /// <summary>The transactions of a drain.</summary>
    public const int Count = 30_000;

    /// <summary>A single drain takes half a second, which is so short that other work of the machine would distort it.</summary>
    public const int PerTurn = 5;

    public static async Task MeasureAsync(
        BenchContext context, string name, GrownDatabase small, GrownDatabase large, List<Series> series, List<Ratio> ratios) =>
        await MeasureAsync(
            context, small, large, PerTurn, fromDisk: false, name, Target.AtMost(large.Rows.Keys == KeyKind.Version7 ? 1.2 : 2.5), series, ratios);

    /// <summary>The same for single drains whose database's file was taken out of the kernel's memory just before, and stays out for most.</summary>
    public static async Task MeasureFromDiskAsync(
        BenchContext context, string name, GrownDatabase small, GrownDatabase large, List<Series> series, List<Ratio> ratios) =>
        await MeasureAsync(context, small, large, 1, fromDisk: true, $"{name}, from the disk", null, series, ratios);

    private static async Task MeasureAsync(
        BenchContext context, GrownDatabase small, GrownDatabase large, int times, bool fromDisk, string name, Target? target, List<Series> series,
        List<Ratio> ratios)
    {
        await using Drain one = await Drain.StartAsync(context, small.Installation, small.Rows);
        await using Drain other = await Drain.StartAsync(context, large.Installation, large.Rows);
        IReadOnlyList<Series> found = await context.TakeTurnsAsync(
            new Contender($"{name}, small", "µs per transaction", _ => one.RunAsync(times, fromDisk)),
            new Contender($"{name}, large", "µs per transaction", _ => other.RunAsync(times, fromDisk)));
        series.AddRange(found);
        ratios.Add(Ratio.Of($"cost per transaction at {large.Rows.Count:N0} rows against {small.Rows.Count:N0}, {name}", found[1], found[0], target));
    }
}

/// <summary>A worker on a database, which is held while its queue is filled.</summary>
internal sealed class Drain : IAsyncDisposable
{
    private readonly BenchContext _context;
    private readonly Installation _installation;
    private readonly OldRows _rows;
    private readonly EmbeddedQueue _queue;
    private readonly TransactionSource _source;

    private Drain(BenchContext context, Installation installation, OldRows rows, ChildProcess worker)
    {
        _context = context;
        _installation = installation;
        _rows = rows;
        Worker = worker;
        _queue = installation.OpenInboundQueue();
        _source = new TransactionSource(rows.Baselines, Installation.Ids) { Keys = rows.Keys };
    }

    public ChildProcess Worker { get; }

    public int Count => _context.Size(GrownDrains.Count);

    public static async Task<Drain> StartAsync(BenchContext context, Installation installation, OldRows rows)
    {
        ChildProcess worker = ChildProcess.Start(
            "ScoringWorker", context.Folder, ["--urls", "http://127.0.0.1:0"], installation.Environment);
        await worker.OpenedAsync();
        return new Drain(context, installation, rows, worker);
    }

    /// <summary>Drains a number of times, each time removes the rows again, and returns the microseconds per transaction.</summary>
    public async Task<double> RunAsync(int times, bool fromDisk)
    {
        TimeSpan elapsed = TimeSpan.Zero;
        for (int time = 0; time < times; time++)
        {
            elapsed += await OnceAsync(fromDisk);
            await _installation.HoldAsync(Worker, _context.CancellationToken);
            _installation.RemoveAdded(_rows, Count);
        }

        return elapsed.TotalMicroseconds / times / Count;
    }

    /// <summary>Fills the queue and returns how long the worker takes to empty it. The worker then goes on waiting.</summary>
    public async Task<TimeSpan> OnceAsync(bool fromDisk)
    {
        await _installation.HoldAsync(Worker, _context.CancellationToken);
        await _queue.FillAsync(_source.NextPacked(Count), _context.CancellationToken);
        if (fromDisk)
        {
            _installation.Cut();
            PageCache.Forget(_installation.DatabasePath);
        }

        long start = Stopwatch.GetTimestamp();
        Worker.LetGo();
        await _queue.UntilEmptyAsync(Worker, _context.CancellationToken);
        return Stopwatch.GetElapsedTime(start);
    }

    public async ValueTask DisposeAsync()
    {
        await Worker.DisposeAsync();
        _queue.Dispose();
    }
}
