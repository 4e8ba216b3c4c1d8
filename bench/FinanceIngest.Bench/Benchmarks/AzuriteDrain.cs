using System.Diagnostics;
using FinanceIngest.Bench.Load;
using FinanceIngest.Bench.Processes;
using FinanceIngest.Bench.Reporting;
using FinanceIngest.Bench.Storage;
using FinanceIngest.Queueing;

namespace FinanceIngest.Bench.Benchmarks;

/// <summary>The worker against QueueTrigger, the usual alternative, on the same Azurite.</summary>
internal sealed class AzuriteDrain : IAsyncDisposable
{
    private const int Baselines = 1000;
    private const int SingleMessages = 3000;
    private const int WarmUpSingleMessages = 300;

    // The approximate length of an alert in base64.
    private const int AlertLength = 520;

    private readonly BenchContext _context;
    private readonly AzuriteProcess _azurite;
    private readonly List<double> _enqueued = [];
    private readonly List<double> _scored = [];
    private readonly List<IAsyncDisposable> _programs = [];
    private readonly List<IDisposable> _installations = [];

    private AzuriteDrain(BenchContext context, AzuriteProcess azurite)
    {
        _context = context;
        _azurite = azurite;
    }

    public static Benchmark Benchmark { get; } = new(
        "drain-azurite", "the worker against QueueTrigger, on Azurite",
        async context =>
        {
            await using AzuriteProcess azurite = await AzuriteProcess.StartAsync(context.Folder);
            await using var drain = new AzuriteDrain(context, azurite);
            return await drain.RunAsync();
        });

    public async ValueTask DisposeAsync()
    {
        foreach (IAsyncDisposable program in _programs)
        {
            await program.DisposeAsync();
        }

        _installations.ForEach(installation => installation.Dispose());
    }

    private CancellationToken CancellationToken => _context.CancellationToken;

    private int Transactions => _context.Size(30_000);

    private async Task<Section> RunAsync()
    {
        AzureQueue spare = await _azurite.CreateQueueAsync("spare", CancellationToken);
        AzureQueue spareAlerts = await _azurite.CreateQueueAsync("spare-alerts", CancellationToken);
        MessageBody[] alerts = [.. Enumerable.Repeat<MessageBody>(new string('A', AlertLength), Transactions / 100)];
        IReadOnlyList<Series> series = await _context.TakeTurnsAsync(
            await WorkerAsync(),
            await NothingTriggerAsync(),
            await ScoreTriggerAsync(),
            new Contender("raw receive and delete of the same packed messages", "transactions/s", async _ =>
            {
                await FillAsync(spare, new TransactionSource(Baselines, Installation.Ids).NextPacked(Transactions));
                return Transactions / (await spare.EmptyAsync(CancellationToken)).TotalSeconds;
            }),
            new Contender("the same, and raw puts of as many alerts meanwhile", "transactions/s", async _ =>
            {
                await FillAsync(spare, new TransactionSource(Baselines, Installation.Ids).NextPacked(Transactions));
                long start = Stopwatch.GetTimestamp();
                await Task.WhenAll(spare.EmptyAsync(CancellationToken), spareAlerts.FillAsync(alerts, CancellationToken));
                TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
                await spareAlerts.ClearAsync(CancellationToken);
                return Transactions / elapsed.TotalSeconds;
            }));
        (Series worker, Series nothing, Series score, Series raw, Series emulator) = (series[0], series[1], series[2], series[3], series[4]);
        return new Section(
            "Drain of an Azure queue",
            $"""
            Each program is warm and held (SIGSTOP) while its queue is filled; the clock runs from when it is let go until its queue is empty. For the
            worker that means: {Transactions:N0} transactions scored and stored, their messages deleted, the alerts of the 1 % anomalies sent and
            marked as sent. After each turn the alerts are removed: Azurite takes the longer for everything, the more it holds. `QueueTrigger` that
            does nothing gets {SingleMessages:N0} messages of one transaction; the one that scores gets the worker's own packed messages and stores
            into the same tables by prepared statements, one database transaction per message, and sends its alerts. Both run 32 messages at once.
            """,
            [
                worker, new Series("worker, until all is scored and stored", "transactions/s", _scored[^_context.Runs..]), nothing, score, raw, emulator,
                new Series("raw enqueue of packed messages, 8 at once", "messages/s", _enqueued),
            ],
            [
                Ratio.Of("worker against `QueueTrigger` that does nothing", worker, nothing, Target.AtLeast(100)),
                Ratio.Of("worker against `QueueTrigger` with the same messages, scoring and database", worker, score, Target.AtLeast(2)),
                Ratio.Of("worker against raw receive and delete", worker, raw, null),
                Ratio.Of(
                    "worker against raw receive and delete with raw puts of its alerts: what the emulator alone takes for the same operations",
                    worker,
                    emulator,
                    null),
            ],
            []);
    }

    private async Task<Contender> WorkerAsync()
    {
        Installation installation = await InstallationAsync("worker");
        AzureQueue queue = await _azurite.CreateQueueAsync("transactions-inbound", CancellationToken);
        AzureQueue alerts = await _azurite.CreateQueueAsync("anomaly-alerts", CancellationToken);
        ChildProcess worker = Track(ChildProcess.Start(
            "ScoringWorker", _context.Folder, ["--urls", "http://127.0.0.1:0"],
            [.. installation.Environment, ("AZURE_STORAGE_CONNECTION_STRING", _azurite.ConnectionString)]));
        await worker.OpenedAsync();
        var source = new TransactionSource(Baselines, Installation.Ids);
        long rows = 0;
        return new Contender("worker", "transactions/s", async _ =>
        {
            worker.Hold();
            await FillAsync(queue, source.NextPacked(Transactions));
            rows += Transactions;
            long start = Stopwatch.GetTimestamp();
            worker.LetGo();
            await installation.UntilScoredAsync(rows, worker, CancellationToken);
            _scored.Add(Transactions / Stopwatch.GetElapsedTime(start).TotalSeconds);
            await queue.UntilEmptyAsync(worker, CancellationToken);
            TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
            worker.Hold();
            await alerts.ClearAsync(CancellationToken);
            installation.RequireRows(rows);
            return Transactions / elapsed.TotalSeconds;
        });
    }

    private async Task<Contender> NothingTriggerAsync()
    {
        (ChildProcess host, AzureQueue queue, _) = await StartHostAsync("nothing");
        var source = new TransactionSource(Baselines, Installation.Ids);
        return new Contender("`QueueTrigger` that does nothing", "transactions/s", async warmUp =>
        {
            int count = warmUp ? WarmUpSingleMessages : SingleMessages;
            return count / (await DrainAsync(host, queue, source.NextSingle(count))).TotalSeconds;
        });
    }

    private async Task<Contender> ScoreTriggerAsync()
    {
        Installation installation = await InstallationAsync("trigger");
        (ChildProcess host, AzureQueue queue, AzureQueue alerts) = await StartHostAsync("score", "--database", installation.DatabasePath);
        var source = new TransactionSource(Baselines, Installation.Ids);
        long rows = 0;
        return new Contender("`QueueTrigger` with the same messages, scoring and database", "transactions/s", async _ =>
        {
            TimeSpan elapsed = await DrainAsync(host, queue, source.NextPacked(Transactions));
            await alerts.ClearAsync(CancellationToken);
            installation.RequireRows(rows += Transactions);
            return Transactions / elapsed.TotalSeconds;
        });
    }

    private async Task<TimeSpan> DrainAsync(ChildProcess host, AzureQueue queue, IReadOnlyList<MessageBody> messages)
    {
        host.Hold();
        await FillAsync(queue, messages);
        long start = Stopwatch.GetTimestamp();
        host.LetGo();
        await queue.UntilEmptyAsync(host, CancellationToken);
        TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
        host.Hold();
        return elapsed;
    }

    private async Task FillAsync(AzureQueue queue, IReadOnlyList<MessageBody> messages)
    {
        TimeSpan elapsed = await queue.FillAsync(messages, CancellationToken);
        if (messages.Count != SingleMessages && messages.Count != WarmUpSingleMessages)
        {
            _enqueued.Add(messages.Count / elapsed.TotalSeconds);
        }
    }

    private async Task<(ChildProcess Host, AzureQueue Queue, AzureQueue Alerts)> StartHostAsync(string mode, params string[] arguments)
    {
        AzureQueue queue = await _azurite.CreateQueueAsync($"inbound-{mode}", CancellationToken);
        AzureQueue alerts = await _azurite.CreateQueueAsync($"alerts-{mode}", CancellationToken);
        await _azurite.CreateQueueAsync($"{queue.Name}-poison", CancellationToken);
        ChildProcess host = Track(ChildProcess.Start(
            "QueueTriggerHost", _context.Folder, ["--mode", mode, "--inbound", queue.Name, "--alerts", alerts.Name, .. arguments],
            ("AzureWebJobsStorage", _azurite.ConnectionString)));
        await host.ReadyAsync();
        return (host, queue, alerts);
    }

    private async Task<Installation> InstallationAsync(string name)
    {
        Installation installation = await Installation.CreateAsync(_context.Folder, name, Baselines, CancellationToken);
        _installations.Add(installation);
        return installation;
    }

    private ChildProcess Track(ChildProcess program)
    {
        _programs.Add(program);
        return program;
    }
}
