using System.Diagnostics;
using FinanceIngest.Bench.Load;
using FinanceIngest.Bench.Processes;
using FinanceIngest.Bench.Reporting;
using FinanceIngest.Bench.Storage;
using FinanceIngest.Queueing.Embedded;

namespace FinanceIngest.Bench.Benchmarks;

/// <summary>The worker with the detector that learns against the same worker with the z-score, on embedded storage.</summary>
internal sealed class LearningDrain : IDisposable, IAsyncDisposable
{
    private const int Baselines = 20_000;

    private readonly BenchContext _context;
    private readonly Installation _installation;
    private readonly EmbeddedQueue _queue;
    private readonly TransactionSource _source = new(Baselines, Installation.Ids);
    private ChildProcess? _worker;
    private long _rows;

    private LearningDrain(BenchContext context, Installation installation)
    {
        _context = context;
        _installation = installation;
        _queue = installation.OpenInboundQueue();
    }

    public static Benchmark Benchmark { get; } =
        new("drain-learning", "the worker with the detector that learns against the same with the z-score, embedded", RunAsync);

    public void Dispose()
    {
        _queue.Dispose();
        _installation.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        if (_worker is not null)
        {
            await _worker.DisposeAsync();
        }

        Dispose();
    }

    private static async Task<Section> RunAsync(BenchContext context)
    {
        int count = context.Size(60_000);
        await using LearningDrain zscore = await StartAsync(context, "zscore");
        await using LearningDrain adaptive = await StartAsync(context, "adaptive");
        IReadOnlyList<Series> series = await context.TakeTurnsAsync(
            new Contender("adaptive", "transactions/s", _ => adaptive.DrainAsync(count)),
            new Contender("zscore", "transactions/s", _ => zscore.DrainAsync(count)));
        return new Section(
            "Drain with learning",
            $"""
            {count:N0} transactions of 2,000 users in ten categories each, in packed messages, on embedded storage: one worker has the detector `adaptive`,
            which reads and writes the states of users in the transaction of each batch, the other `zscore`. Both are warm and held while their queue is filled.
            """,
            series,
            [Ratio.Of("drain with learning against without, embedded storage", series[0], series[1], Target.AtLeast(0.7))],
            []);
    }

    private static async Task<LearningDrain> StartAsync(BenchContext context, string detector)
    {
        var drain = new LearningDrain(context, await Installation.CreateAsync(context.Folder, detector, Baselines, context.CancellationToken));
        drain._worker = ChildProcess.Start(
            "ScoringWorker", context.Folder, ["--urls", "http://127.0.0.1:0"],
            [.. drain._installation.Environment, ("FinanceIngest__Detection__Detector", detector)]);
        await drain._worker.OpenedAsync();
        return drain;
    }

    private async Task<double> DrainAsync(int count)
    {
        await _installation.HoldAsync(_worker!, _context.CancellationToken);
        await _queue.FillAsync(_source.NextPacked(count), _context.CancellationToken);
        _rows += count;
        long start = Stopwatch.GetTimestamp();
        _worker!.LetGo();
        await _installation.UntilScoredAsync(_rows, _worker, _context.CancellationToken);
        await _queue.UntilEmptyAsync(_worker, _context.CancellationToken);
        TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
        await _installation.HoldAsync(_worker, _context.CancellationToken);
        _installation.RequireRows(_rows);
        return count / elapsed.TotalSeconds;
    }
}
