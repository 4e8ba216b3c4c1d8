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
        BenchContext context, string name, GrownDatabase small, GrownDatabase large, List<Series> series, List<Ratio> ratios)
    {
        await using Drain one = await Drain.StartAsync(context, small.Installation, small.Rows);
        await using Drain other = await Drain.StartAsync(context, large.Installation, large.Rows);
        IReadOnlyList<Series> warm = await context.TakeTurnsAsync(
            new Contender($"{name}, small", "µs per transaction", _ => one.RunAsync(PerTurn, fromDisk: false)),
            new Contender($"{name}, large", "µs per transaction", _ => other.RunAsync(PerTurn, fromDisk: false)));
        IReadOnlyList<Series> cold = await context.TakeTurnsAsync(
            new Contender($"{name}, small, from the disk", "µs per transaction", _ => one.RunAsync(1, fromDisk: true)),
            new Contender($"{name}, large, from the disk", "µs per transaction", _ => other.RunAsync(1, fromDisk: true)));
        series.AddRange([.. warm, .. cold]);
        bool inOrder = large.Rows.Keys == KeyKind.Version7;
        string against = $"at {large.Rows.Count:N0} rows against {small.Rows.Count:N0}, {name}";
        ratios.Add(Ratio.Of($"cost per transaction {against}", warm[1], warm[0], Target.AtMost(inOrder ? 1.2 : 2.5)));
        ratios.Add(Ratio.Of($"cost per transaction {against}, from the disk", cold[1], cold[0], null));
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
            Worker.Hold();
            _installation.RemoveAdded(_rows, Count);
        }

        return elapsed.TotalMicroseconds / times / Count;
    }

    /// <summary>Fills the queue and returns how long the worker takes to empty it. The worker then goes on waiting.</summary>
    public async Task<TimeSpan> OnceAsync(bool fromDisk)
    {
        Worker.Hold();
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
