using System.Diagnostics;
using System.Net;
using FinanceIngest.Bench.Load;
using FinanceIngest.Bench.Processes;
using FinanceIngest.Bench.Reporting;
using FinanceIngest.Bench.Storage;

namespace FinanceIngest.Bench.Benchmarks;

/// <summary>
/// This system and what it is compared with, at a distance from database and queue: proxies add a round trip of one millisecond to SQL Server and of five to
/// the queue, the same ones for all programs.
/// </summary>
internal sealed class Network : IAsyncDisposable
{
    private const int Baselines = 1000;
    private const int PerRequest = 1000;
    private const int SynchronousConnections = 64;
    private const int SingleConnections = 256;
    private const int Puts = 400;
    private const int Pings = 500;

    private const string WorkerFigure = "over the network: worker against `QueueTrigger` with the same messages, scoring and database";
    private const string EndToEndFigure = "over the network: end to end, batches of 1,000, against the older synchronous design, 64 connections";
    private const string EmptyFigure = "over the network: single POSTs against an empty endpoint, 256 connections";
    private const string PutFigure = "over the network: p99 of single POSTs at 256 connections against p99 of one put";

    private static readonly TimeSpan s_sqlRoundTrip = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan s_queueRoundTrip = TimeSpan.FromMilliseconds(5);

    private static readonly Target s_workerTarget = Target.AtLeast(10);
    private static readonly Target s_endToEndTarget = Target.AtLeast(100);
    private static readonly Target s_emptyTarget = Target.AtLeast(0.4);
    private static readonly Target s_putTarget = Target.AtMost(2.2);

    private readonly BenchContext _context;
    private readonly AzuriteProcess _azurite;
    private readonly DelayProxyProcess _queueProxy;
    private readonly List<IAsyncDisposable> _databases = [];
    private readonly List<IAsyncDisposable> _programs = [];
    private readonly List<IDisposable> _installations = [];
    private readonly List<Series> _series = [];
    private readonly List<Ratio> _ratios = [];
    private readonly List<Missing> _missing = [];
    private readonly List<string> _notes = [];
    private DelayProxyProcess? _sqlProxy;

    private Network(BenchContext context, AzuriteProcess azurite, DelayProxyProcess queueProxy)
    {
        _context = context;
        _azurite = azurite;
        _queueProxy = queueProxy;
    }

    public static Benchmark Benchmark { get; } = new(
        "network", $"the comparisons with distance: 1 ms to SQL Server ({SqlServerDatabase.Setting}), 5 ms to Azurite",
        async context =>
        {
            await using AzuriteProcess azurite = await AzuriteProcess.StartAsync(context.Folder);
            await using DelayProxyProcess proxy = await DelayProxyProcess.StartAsync(context.Folder, "127.0.0.1", azurite.Port, s_queueRoundTrip);
            await using var network = new Network(context, azurite, proxy);
            return await network.RunAsync();
        });

    private CancellationToken CancellationToken => _context.CancellationToken;

    private string QueueConnection => AzuriteProcess.ConnectionStringAt(_queueProxy.Port);

    public async ValueTask DisposeAsync()
    {
        // Programs end first, then what they use.
        await EndProgramsAsync();
        foreach (IAsyncDisposable database in _databases)
        {
            await database.DisposeAsync();
        }

        if (_sqlProxy is not null)
        {
            await _sqlProxy.DisposeAsync();
        }
    }

    private async Task<Section> RunAsync()
    {
        await MeasurePrecisionAsync();
        await MeasureSinglesAsync();
        await EndProgramsAsync();
        if (SqlServerDatabase.Server is { } server)
        {
            await MeasureWorkerAsync(server);
            await EndProgramsAsync();
            await MeasureEndToEndAsync(server);
            await EndProgramsAsync();
            _notes.Add((await _sqlProxy!.EndAsync()).Describe("SQL Server"));
        }
        else
        {
            const string Reason = $"no {SqlServerDatabase.Setting}";
            _missing.Add(new Missing(WorkerFigure, Reason, s_workerTarget));
            _missing.Add(new Missing(EndToEndFigure, Reason, s_endToEndTarget));
        }

        _notes.Add((await _queueProxy.EndAsync()).Describe("the queue"));
        return new Section(
            "Over a network",
            $"""
            A proxy adds a round trip of {s_queueRoundTrip.TotalMilliseconds:N0} ms to whatever goes to the queue (Azurite) and another one of
            {s_sqlRoundTrip.TotalMilliseconds:N0} ms to whatever goes to SQL Server, half of it in each direction; bytes keep their order, bandwidth is not
            limited, and a new connection costs one round trip more, as its handshake does. All programs go through the same proxies; between the load
            generator and the programs there is no distance. No transaction that is scored here is an anomaly, so that nobody sends alerts: Babelfish, which
            stands in for SQL Server on some machines, can't run the claim of alerts.
            The server behind `{SqlServerDatabase.Setting}` and Azurite share the cores with everything else.
            """,
            _series, _ratios, _notes)
        { Missing = _missing };
    }

    private async Task EndProgramsAsync()
    {
        foreach (IAsyncDisposable program in _programs)
        {
            await program.DisposeAsync();
        }

        _programs.Clear();
        _installations.ForEach(installation => installation.Dispose());
        _installations.Clear();
    }

    private async Task MeasurePrecisionAsync()
    {
        foreach ((string name, TimeSpan? roundTrip) in new (string, TimeSpan?)[]
        {
            ("directly", null), ("through the proxy that adds 1 ms", s_sqlRoundTrip), ("through the proxy that adds 5 ms", s_queueRoundTrip),
        })
        {
            double[] times = await DelayProxyProcess.MeasureAsync(_context.Folder, roundTrip, Pings, CancellationToken);
            _series.Add(new Series($"round trip of a byte, {name}", "ms", times));
        }
    }

    private async Task MeasureSinglesAsync()
    {
        int count = _context.Size(50_000);
        int countWithPut = Math.Max(count / 10, SingleConnections);
        Installation installation = await InstallationAsync("intake");
        AzureQueue queue = await _azurite.CreateQueueAsync("transactions-inbound", CancellationToken);
        AzureQueue plainQueue = await _azurite.CreateQueueAsync("plain-inbound", CancellationToken);
        AzureQueue lone = await AzuriteProcess.CreateQueueAsync("lone-puts", QueueConnection, CancellationToken);
        ChildProcess server = Track(ChildProcess.Start(
            "IngestServer", _context.Folder, ["--urls", "http://127.0.0.1:0"],
            [.. installation.Environment, ("FinanceIngest__Roles", "intake"), ("AZURE_STORAGE_CONNECTION_STRING", QueueConnection)]));
        ChildProcess empty = Track(ChildProcess.Start("EmptyEndpoint", _context.Folder, ["--urls", "http://127.0.0.1:0"]));
        ChildProcess plain = Track(ChildProcess.Start(
            "EmptyEndpoint", _context.Folder, ["--urls", "http://127.0.0.1:0", "--queue", plainQueue.Name], ("PLAIN_QUEUES", QueueConnection)));
        await server.OpenedAsync();
        var intake = new HttpLoad(await server.AddressAsync(), "/api/transactions", SingleConnections);
        var ceiling = new HttpLoad(await empty.AddressAsync(), "/api/transactions", SingleConnections);
        var simple = new HttpLoad(await plain.AddressAsync(), "/api/transactions", SingleConnections);
        var source = new TransactionSource(Baselines, Installation.Ids);
        var p50 = new List<double>();
        var p99 = new List<double>();
        var putP50 = new List<double>();
        var perMessage = new List<double>();
        IReadOnlyList<Series> series = await _context.TakeTurnsAsync(
            new Contender("intake of single POSTs", "transactions/s", async _ =>
            {
                double[] times = new double[count];
                TimeSpan elapsed = await intake.SendAsync(source.NextBodies(count), HttpStatusCode.Accepted, CancellationToken, times);
                perMessage.Add((double)count / await queue.CountAsync(CancellationToken));
                await queue.ClearAsync(CancellationToken);
                p50.Add(Statistics.Median(times));
                p99.Add(Statistics.Percentile(times, 99));
                return count / elapsed.TotalSeconds;
            }),
            new Contender("one put of such a message, p99", "ms", async _ =>
            {
                // As many transactions as the intake's messages had on average.
                double[] times = await lone.PutOneByOneAsync(source.NextPacked((int)perMessage[^1])[0], Puts, CancellationToken);
                await lone.ClearAsync(CancellationToken);
                putP50.Add(Statistics.Median(times));
                return Statistics.Percentile(times, 99);
            }),
            new Contender("empty endpoint that parses the same body", "transactions/s", async _ =>
                count / (await ceiling.SendAsync(source.NextBodies(count), HttpStatusCode.Accepted, CancellationToken)).TotalSeconds),
            new Contender("empty endpoint that puts each transaction on the same queue", "transactions/s", async _ =>
            {
                TimeSpan elapsed = await simple.SendAsync(source.NextBodies(countWithPut), HttpStatusCode.Accepted, CancellationToken);
                await plainQueue.ClearAsync(CancellationToken);
                return countWithPut / elapsed.TotalSeconds;
            }));
        Series Counted(string name, string unit, List<double> values) => new(name, unit, values[^_context.Runs..]);
        Series late = Counted("intake of single POSTs, p99 of the answers", "ms", p99);
        _series.AddRange(
        [
            series[0], Counted("intake of single POSTs, p50 of the answers", "ms", p50), late, Counted("transactions in a message", "transactions", perMessage),
            Counted("one put of such a message, p50", "ms", putP50), series[1], series[2], series[3],
        ]);
        _ratios.AddRange(
        [
            Ratio.Of(EmptyFigure, series[0], series[2], s_emptyTarget),
            Ratio.Of("over the network: single POSTs against an empty endpoint with a put for each, 256 connections", series[0], series[3], null),
            Ratio.Of(PutFigure, late, series[1], s_putTarget),
        ]);
    }

    private async Task MeasureWorkerAsync(string server)
    {
        int count = _context.Size(30_000);
        int triggerCount = Math.Max(count / 3, 1);
        Installation installation = await InstallationAsync("worker");
        (SqlServerDatabase database, string connection) = await DatabaseAsync(server, installation);
        (SqlServerDatabase triggerDatabase, string triggerConnection) = await DatabaseAsync(server, installation);
        AzureQueue queue = await _azurite.CreateQueueAsync("transactions-inbound", CancellationToken);
        AzureQueue alerts = await _azurite.CreateQueueAsync("anomaly-alerts", CancellationToken);
        AzureQueue triggerQueue = await _azurite.CreateQueueAsync("inbound-score", CancellationToken);
        AzureQueue triggerAlerts = await _azurite.CreateQueueAsync("alerts-score", CancellationToken);
        await _azurite.CreateQueueAsync($"{triggerQueue.Name}-poison", CancellationToken);
        ChildProcess worker = Track(ChildProcess.Start(
            "ScoringWorker", _context.Folder, ["--urls", "http://127.0.0.1:0"],
            [.. installation.Environment, ("AZURE_STORAGE_CONNECTION_STRING", QueueConnection), ("SQL_CONNECTION_STRING", connection)]));
        await worker.OpenedAsync();
        ChildProcess host = Track(ChildProcess.Start(
            "QueueTriggerHost", _context.Folder, ["--mode", "score", "--inbound", triggerQueue.Name, "--alerts", triggerAlerts.Name],
            ("AzureWebJobsStorage", QueueConnection), ("PLAIN_SQL", triggerConnection)));
        await host.ReadyAsync();
        var source = new TransactionSource(Baselines, Installation.Ids, anomalyEvery: 0);
        long rows = 0;
        long triggerRows = 0;
        IReadOnlyList<Series> series = await _context.TakeTurnsAsync(
            new Contender("worker, over the network", "transactions/s", async _ =>
            {
                TimeSpan elapsed = await DrainAsync(worker, queue, source, count);
                await alerts.ClearAsync(CancellationToken);
                await database.UntilScoredAsync(rows += count, worker, CancellationToken);
                return count / elapsed.TotalSeconds;
            }),
            new Contender("`QueueTrigger` with the same messages, scoring and database, over the network", "transactions/s", async _ =>
            {
                TimeSpan elapsed = await DrainAsync(host, triggerQueue, source, triggerCount);
                await triggerAlerts.ClearAsync(CancellationToken);
                await triggerDatabase.UntilScoredAsync(triggerRows += triggerCount, host, CancellationToken);
                return triggerCount / elapsed.TotalSeconds;
            }));
        _series.AddRange(series);
        _ratios.Add(Ratio.Of(WorkerFigure, series[0], series[1], s_workerTarget));
    }

    // The queue is filled and watched directly; only the program goes through the proxy.
    private async Task<TimeSpan> DrainAsync(ChildProcess program, AzureQueue queue, TransactionSource source, int count)
    {
        program.Hold();
        await queue.FillAsync(source.NextPacked(count), CancellationToken);
        long start = Stopwatch.GetTimestamp();
        program.LetGo();
        await queue.UntilEmptyAsync(program, CancellationToken);
        return Stopwatch.GetElapsedTime(start);
    }

    private async Task MeasureEndToEndAsync(string server)
    {
        int count = (int)Math.Max(_context.Size(30_000) * 2L / PerRequest, 1) * PerRequest;
        int synchronousCount = Math.Max(count / 30, SynchronousConnections);
        Installation installation = await InstallationAsync("service");
        (SqlServerDatabase database, string connection) = await DatabaseAsync(server, installation);
        (SqlServerDatabase olderDatabase, string olderConnection) = await DatabaseAsync(server, installation);
        AzureQueue alerts = await _azurite.CreateQueueAsync("anomaly-alerts", CancellationToken);
        ChildProcess service = Track(ChildProcess.Start(
            "IngestServer", _context.Folder, ["--urls", "http://127.0.0.1:0"],
            [.. installation.Environment, ("AZURE_STORAGE_CONNECTION_STRING", QueueConnection), ("SQL_CONNECTION_STRING", connection)]));
        ChildProcess synchronous = Track(ChildProcess.Start(
            "SynchronousService", _context.Folder, ["--urls", "http://127.0.0.1:0"], ("PLAIN_SQL", olderConnection)));
        await service.OpenedAsync();
        var batches = new HttpLoad(await service.AddressAsync(), "/api/transactions/batch", SynchronousConnections);
        var singles = new HttpLoad(await synchronous.AddressAsync(), "/api/score-transaction", SynchronousConnections);
        var source = new TransactionSource(Baselines, Installation.Ids, anomalyEvery: 0);
        long rows = 0;
        long olderRows = 0;
        IReadOnlyList<Series> series = await _context.TakeTurnsAsync(
            new Contender("this system, batches of 1,000, over the network, until all is scored and stored", "transactions/s", async _ =>
            {
                IReadOnlyList<byte[]> bodies = source.NextBatchBodies(count, PerRequest);
                long start = Stopwatch.GetTimestamp();
                await batches.SendAsync(bodies, HttpStatusCode.Accepted, CancellationToken);
                await database.UntilScoredAsync(rows += count, service, CancellationToken);
                TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
                await alerts.ClearAsync(CancellationToken);
                return count / elapsed.TotalSeconds;
            }),
            new Contender("older synchronous design, 64 connections, over the network", "transactions/s", async _ =>
            {
                TimeSpan elapsed = await singles.SendAsync(source.NextBodies(synchronousCount), HttpStatusCode.OK, CancellationToken);
                await olderDatabase.UntilScoredAsync(olderRows += synchronousCount, synchronous, CancellationToken);
                return synchronousCount / elapsed.TotalSeconds;
            }));
        _series.AddRange(series);
        _ratios.Add(Ratio.Of(EndToEndFigure, series[0], series[1], s_endToEndTarget));
    }

    // Migration and baselines go directly; the connection string that is returned goes through the proxy.
    private async Task<(SqlServerDatabase Database, string Connection)> DatabaseAsync(string server, Installation installation)
    {
        SqlServerDatabase database = await SqlServerDatabase.CreateAsync(server, _context.Folder, installation.Environment, CancellationToken);
        _databases.Add(database);
        await database.AddBaselinesAsync(Baselines, _context.Folder, installation.Environment, CancellationToken);
        (string host, int port) = database.Address();
        _sqlProxy ??= await DelayProxyProcess.StartAsync(_context.Folder, host, port, s_sqlRoundTrip);
        return (database, database.ConnectionStringThrough(_sqlProxy.Port));
    }

    private async Task<Installation> InstallationAsync(string name)
    {
        Installation installation = await Installation.CreateAsync(_context.Folder, name, baselines: 0, CancellationToken);
        _installations.Add(installation);
        return installation;
    }

    private ChildProcess Track(ChildProcess program)
    {
        _programs.Add(program);
        return program;
    }
}
