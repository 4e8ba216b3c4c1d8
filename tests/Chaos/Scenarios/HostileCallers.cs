using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using FinanceIngest.Chaos.Load;
using FinanceIngest.Chaos.Processes;
using FinanceIngest.Chaos.Storage;

namespace FinanceIngest.Chaos.Scenarios;

/// <summary>
/// Callers with a key, callers without one and somebody who can write to the queue do their worst at once, beside a steady load, to an intake whose heap is
/// limited to 256 MiB: batches whose errors are as many as can be, silent connections, slow readers, long polls, and poison messages.
/// </summary>
internal sealed class HostileCallers : IScenario
{
    private const int Amplifiers = 6;
    private const int Connections = 2000;
    private const int Hoarders = 100;
    private const int PoisonMessages = 250;
    private const long MaximumMegabytes = 400;
    private const long MaximumAnswer = 1024 * 1024;
    private const string BatchHead = "POST /api/transactions/batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ";

    public string Name => "hostile-callers";

    public string Description => "amplified errors, silence, hoarding and poison at once for --minutes, beside a steady load, with a heap of 256 MiB";

    public async Task RunAsync(Run run, CancellationToken cancellationToken)
    {
        string[] parked = await ParkAsync(run, cancellationToken);
        run.Fleet.Settings["DOTNET_GCHeapHardLimit"] = "0x10000000";
        run.Fleet.Settings["FinanceIngest__Intake__MaximumConnections"] = Connections.ToString(CultureInfo.InvariantCulture);
        ServiceProcess intake = run.Fleet.AddIntake("intake");
        run.Fleet.AddWorker("worker");
        await run.Fleet.StartAsync(cancellationToken);

        // A batch of a hundred transactions is a small request, of which none may be refused.
        run.Clients.LargestBatch = 100;
        await run.StartLoadAsync(cancellationToken);
        var rows = new Rows(run.Installation);
        await Patience.ForAsync("there are rows to answer with", () => Task.FromResult(rows.Count() > 200), TimeSpan.FromMinutes(2), cancellationToken);
        (int acknowledged, long refusals, long before) = (run.Ledger.Count, run.Ledger.Refusals, ProcessFigures.Of(intake).Megabytes);

        var amplifier = new HostileCaller(intake.Address);
        var hoarder = new HostileCaller(intake.Address);
        var probes = new Probes(intake.Address);
        var memory = new MemoryWatch(intake);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        end.CancelAfter(TimeSpan.FromMinutes(run.Options.Minutes));
        run.Say("the attack begins");
        long poison = 0;
        int silent = 0;
        await Task.WhenAll(
            [
                .. Enumerable.Range(0, Amplifiers).Select(_ => AmplifyAsync(amplifier, end.Token)),
                .. Enumerable.Range(0, Hoarders).Select(i => HoardAsync(hoarder, i, parked, end.Token)),
                probes.RunAsync(end.Token),
                memory.RunAsync(end.Token),
                Task.Run(async () => silent = await BeSilentAsync(hoarder, end.Token), CancellationToken.None),
                Task.Run(async () => poison = await PoisonAsync(run, end.Token), CancellationToken.None),
            ]);
        cancellationToken.ThrowIfCancellationRequested();
        run.Say("the attack is over");
        var figures = ProcessFigures.Of(intake);
        int good = run.Ledger.Count - acknowledged;
        (bool isFlat, string quarters) = memory.Compare();
        run.Tell(string.Create(
            CultureInfo.InvariantCulture,
            $"Batches of 10,000 items with 120 errors each: {amplifier.Statuses}, the longest answer {amplifier.LongestAnswer} bytes. "
                + $"Slow readers and long polls: {hoarder.Statuses}. {silent} silent connections were opened for {Connections} places; {probes.Report}. "
                + $"The intake had {before} MB before, at most {figures.PeakMegabytes} MB, {figures.Megabytes} MB after ({quarters}); "
                + $"{good} transactions were acknowledged meanwhile, {run.Ledger.Refusals - refusals} refused."));
        run.Audit.Check(amplifier.Count("400") > 0, $"batches were answered with their errors: {amplifier.Count("400")}");
        run.Audit.Check(amplifier.LongestAnswer <= MaximumAnswer, $"no answer is longer than 1 MiB: {amplifier.LongestAnswer} bytes");
        run.Audit.Check(amplifier.Count("500") + hoarder.Count("500") == 0, "no answer is a 500");
        run.Audit.Check(good > 0 && run.Ledger.Refusals == refusals, $"nobody else is refused: {good} acknowledged, {run.Ledger.Refusals - refusals} refused");
        run.Audit.Check(silent > Connections, $"silence took every place: {silent} connections");
        run.Audit.Check(probes.Missed == 0 && probes.Answered > 0, $"every probe is answered: {probes.Report}");
        run.Audit.Check(figures.PeakMegabytes < MaximumMegabytes, $"the intake's memory is bounded: {figures.PeakMegabytes} MB");
        run.Audit.Check(isFlat, $"the intake's memory is flat: {quarters}");
        run.Audit.Check(run.Fleet.All.All(process => process.IsRunning), "no process has ended");
        await DropPoisonAsync(run, rows, poison, cancellationToken);
        await run.FinishAsync(cancellationToken);
    }

    // Transactions of an intake whose queue nobody drains stay pending, so that a long poll for them lasts as long as it can.
    private static async Task<string[]> ParkAsync(Run run, CancellationToken cancellationToken)
    {
        Dictionary<string, string> settings = new(run.Installation.Settings)
        {
            ["FinanceIngest__Roles"] = "intake",
            ["FinanceIngest__InboundQueue"] = "parked",
        };
        await using var parking = new ServiceProcess("parking", "IngestServer", run.Installation.Folder, settings);
        parking.Start();
        if (!await parking.ReadyAsync(cancellationToken))
        {
            throw new InvalidOperationException("The intake of parked transactions ended at its start.");
        }

        using var http = new HttpClient();
        using HttpResponseMessage response = await http.PostAsJsonAsync(
            new Uri(parking.Address, "/api/transactions/batch"),
            Enumerable.Range(1, Hoarders).Select(user => new { user_id = user, category_id = 1, amount = 1 }),
            cancellationToken);
        JsonElement answer = await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
        await parking.TerminateAsync();
        return [.. answer.GetProperty("accepted").EnumerateArray().Select(item => item.GetProperty("id").GetString()!)];
    }

    private static async Task AmplifyAsync(HostileCaller caller, CancellationToken end)
    {
        string item = $"{{{string.Join(',', Enumerable.Repeat("\"user_id\":-1", 120))}}}";
        byte[] body = Encoding.ASCII.GetBytes($"[{string.Join(',', Enumerable.Repeat(item, 10_000))}]");
        string head = string.Create(CultureInfo.InvariantCulture, $"{BatchHead}{body.Length}\r\nConnection: close\r\n\r\n");
        while (!end.IsCancellationRequested)
        {
            await caller.AskAsync(head, body, TimeSpan.FromMilliseconds(200), end);
            await Task.Delay(TimeSpan.FromMilliseconds(100), end).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task HoardAsync(HostileCaller caller, int i, string[] parked, CancellationToken end)
    {
        string path = (i % 4) switch
        {
            0 => "/api/results?limit=1000",
            1 => "/openapi.json",
            _ => $"/api/transactions/{parked[i]}?wait=30",
        };
        string request = $"GET {path} HTTP/1.1\r\nHost: localhost\r\n";

        // A reader that is slow asks for much more than it reads; one that waits asks once.
        string head = i % 4 < 2
            ? string.Concat(Enumerable.Repeat(request + "\r\n", 19)) + request + "Connection: close\r\n\r\n"
            : request + "Connection: close\r\n\r\n";
        while (!end.IsCancellationRequested)
        {
            await caller.AskAsync(head, [], TimeSpan.FromMilliseconds(500), end);
            await Task.Delay(TimeSpan.FromMilliseconds(500), end).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // Half of the connections send nothing at all, half of them the beginning of a request.
    private static async Task<int> BeSilentAsync(HostileCaller caller, CancellationToken end)
    {
        Queue<TcpClient> open = [];
        int opened = 0;
        try
        {
            while (!end.IsCancellationRequested)
            {
                TcpClient client = await caller.ConnectAsync(end);
                open.Enqueue(client);
                if (++opened % 2 == 0)
                {
                    await client.GetStream().WriteAsync("GET /api/results HTTP/1.1\r\nHost: loc"u8.ToArray(), end);
                }

                if (open.Count > Connections + 500)
                {
                    open.Dequeue().Dispose();
                    await Task.Delay(2, end);
                }
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
        {
            // The attack has ended.
        }
        finally
        {
            while (open.TryDequeue(out TcpClient? client))
            {
                client.Dispose();
            }
        }

        return opened;
    }

    private static async Task<long> PoisonAsync(Run run, CancellationToken end)
    {
        IQueueView queue = run.Installation.Queue(Installation.InboundQueue);
        long sent = 0;
        while (sent < PoisonMessages && !end.IsCancellationRequested)
        {
            // A hundred thousand things that are wrong with one message.
            string text = $$"""{"v":1,"transactions":[{{string.Join(',', Enumerable.Repeat("{\"user_id\":0}", 3300))}}],"n":{{sent}}}""";
            await queue.SendAsync(Convert.ToBase64String(Encoding.UTF8.GetBytes(text)), CancellationToken.None);
            sent++;
        }

        return sent;
    }

    private static async Task DropPoisonAsync(Run run, Rows rows, long poison, CancellationToken cancellationToken)
    {
        await Patience.ForAsync(
            "every poison message has its record", () => Task.FromResult(rows.Poison() >= poison), TimeSpan.FromMinutes(3), cancellationToken);

        // The operator's tool has less memory than the messages would take.
        string list = await Cli.RunAsync(run.Installation, ["poison", "list", "--json"], cancellationToken, ("DOTNET_GCHeapHardLimit", "0x2800000"));
        string[] ids = [.. JsonDocument.Parse(list).RootElement.EnumerateArray().Select(message => message.GetProperty("message_id").GetString()!)];
        run.Audit.Check(
            ids.Length == poison && poison > 0,
            $"poison list with a heap of 40 MiB has {ids.Length} of {poison} messages of 62 KB, in {list.Length} bytes");
        await Cli.RunAsync(run.Installation, ["poison", "drop", "--yes", .. ids], cancellationToken);
        run.Audit.Check(rows.Poison() == 0, $"all of them can be dropped: {rows.Poison()} are left");
    }

    /// <summary>A supervisor that asks for the liveness and the readiness over a new connection each time.</summary>
    private sealed class Probes(Uri address)
    {
        private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);
        private double _longest;

        public int Answered { get; private set; }

        public int Missed { get; private set; }

        public string Report => string.Create(
            CultureInfo.InvariantCulture, $"{Answered} probes were answered, within {_longest:F2} s, and {Missed} were not");

        public async Task RunAsync(CancellationToken end)
        {
            using var http = new HttpClient { Timeout = s_patience };
            while (!end.IsCancellationRequested)
            {
                long begun = Stopwatch.GetTimestamp();
                using var probe = new HttpRequestMessage(HttpMethod.Get, new Uri(address, Answered % 2 == 0 ? "/healthz" : "/readyz"));
                probe.Headers.ConnectionClose = true;
                try
                {
                    using HttpResponseMessage answer = await http.SendAsync(probe, CancellationToken.None);
                    Answered += answer.StatusCode == HttpStatusCode.OK ? 1 : 0;
                    Missed += answer.StatusCode == HttpStatusCode.OK ? 0 : 1;
                }
                catch (Exception e) when (e is TaskCanceledException || ConnectionFailure.IsOne(e))
                {
                    Missed++;
                }

                _longest = Math.Max(_longest, Stopwatch.GetElapsedTime(begun).TotalSeconds);
                await Task.Delay(TimeSpan.FromMilliseconds(200), end).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}
