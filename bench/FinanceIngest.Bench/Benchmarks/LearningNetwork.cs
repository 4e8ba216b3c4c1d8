using System.Diagnostics;
using FinanceIngest.Bench.Load;
using FinanceIngest.Bench.Processes;
using FinanceIngest.Bench.Reporting;
using FinanceIngest.Bench.Storage;

namespace FinanceIngest.Bench.Benchmarks;

/// <summary>Eight workers with the detector that learns against eight with the z-score, a millisecond away from SQL Server.</summary>
internal sealed class LearningNetwork(BenchContext context, AzuriteProcess azurite) : IAsyncDisposable
{
    private const int Workers = 8;
    private const int Baselines = 20_000;
    private const string Figure = "drain with learning against without, 1 ms to SQL Server, 8 workers";

    private static readonly TimeSpan s_roundTrip = TimeSpan.FromMilliseconds(1);
    private static readonly Target s_target = Target.AtLeast(0.7);

    private readonly TransactionSource _source = new(Baselines, Installation.Ids, anomalyEvery: 0);
    private readonly List<IAsyncDisposable> _used = [];
    private DelayProxyProcess? _proxy;

    public static Benchmark Benchmark { get; } = new(
        "network-learning", $"eight workers with the detector that learns against eight with the z-score, 1 ms to SQL Server ({SqlServerDatabase.Setting})",
        async context =>
        {
            await using AzuriteProcess azurite = await AzuriteProcess.StartAsync(context.Folder);
            await using var network = new LearningNetwork(context, azurite);
            return await network.RunAsync();
        });

    public async ValueTask DisposeAsync()
    {
        // What was started last ends first: workers before their database, databases before the proxy.
        for (int i = _used.Count - 1; i >= 0; i--)
        {
            await _used[i].DisposeAsync();
        }
    }

    private async Task<Section> RunAsync()
    {
        string about =
            $"""
            {Workers} worker processes with the detector `adaptive` and as many with `zscore`, each kind with its own queue (Azurite, without distance) and
            database; a proxy adds a round trip of {s_roundTrip.TotalMilliseconds:N0} ms to whatever goes to SQL Server. 2,000 users in ten categories each, so
            that the batches of different workers have most users in common. No transaction is an anomaly by the z-score. The server behind
            `{SqlServerDatabase.Setting}` and Azurite share the cores with the workers.
            """;
        if (SqlServerDatabase.Server is not { } server)
        {
            return new Section("Drain with learning, over a network", about, [], [], [])
            {
                Missing = [new Missing(Figure, $"no {SqlServerDatabase.Setting}", s_target)],
            };
        }

        int count = context.Size(24_000);
        Contender adaptive = await ContenderAsync(server, "adaptive", count);
        Contender zscore = await ContenderAsync(server, "zscore", count);
        IReadOnlyList<Series> series = await context.TakeTurnsAsync(adaptive, zscore);
        return new Section("Drain with learning, over a network", about, series, [Ratio.Of(Figure, series[0], series[1], s_target)], []);
    }

    private async Task<Contender> ContenderAsync(string server, string detector, int count)
    {
        Installation installation = await Installation.CreateAsync(context.Folder, detector, baselines: 0, context.CancellationToken);
        SqlServerDatabase database = await SqlServerDatabase.CreateAsync(server, context.Folder, installation.Environment, context.CancellationToken);
        _used.Add(database);
        await database.AddBaselinesAsync(Baselines, context.Folder, installation.Environment, context.CancellationToken);
        if (_proxy is null)
        {
            (string host, int port) = database.Address();
            _used.Insert(0, _proxy = await DelayProxyProcess.StartAsync(context.Folder, host, port, s_roundTrip));
        }

        AzureQueue queue = await azurite.CreateQueueAsync($"inbound-{detector}", context.CancellationToken);
        AzureQueue alerts = await azurite.CreateQueueAsync($"alerts-{detector}", context.CancellationToken);
        var workers = new List<ChildProcess>();
        for (int i = 0; i < Workers; i++)
        {
            ChildProcess worker = ChildProcess.Start(
                "ScoringWorker", context.Folder, ["--urls", "http://127.0.0.1:0"],
                [
                    .. installation.Environment, ("AZURE_STORAGE_CONNECTION_STRING", AzuriteProcess.ConnectionStringAt(azurite.Port)),
                    ("SQL_CONNECTION_STRING", database.ConnectionStringThrough(_proxy.Port)), ("FinanceIngest__Detection__Detector", detector),
                    ("FinanceIngest__InboundQueue", queue.Name), ("FinanceIngest__AlertQueue", alerts.Name),
                ]);
            _used.Add(worker);
            workers.Add(worker);
            await worker.OpenedAsync();
        }

        workers.ForEach(static worker => worker.Hold());
        long rows = 0;
        return new Contender(detector, "transactions/s", async _ =>
        {
            await queue.FillAsync(_source.NextPacked(count), context.CancellationToken);
            long start = Stopwatch.GetTimestamp();
            workers.ForEach(static worker => worker.LetGo());
            await database.UntilScoredAsync(rows += count, workers[0], context.CancellationToken);
            await queue.UntilEmptyAsync(workers[0], context.CancellationToken);
            TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
            workers.ForEach(static worker => worker.Hold());
            await alerts.ClearAsync(context.CancellationToken);
            return count / elapsed.TotalSeconds;
        });
    }
}
