using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using FinanceIngest.Chaos.Audit;
using FinanceIngest.Chaos.Load;
using FinanceIngest.Chaos.Processes;
using FinanceIngest.Chaos.Storage;

namespace FinanceIngest.Chaos;

/// <summary>One run of a scenario: an installation of its own, its processes, its clients and its audit.</summary>
internal sealed class Run : IAsyncDisposable
{
    private readonly long _begun = Stopwatch.GetTimestamp();
    private readonly List<string> _report = [];

    public Run(Options options, Installation installation)
    {
        Options = options;
        Installation = installation;
        Random = new Random(options.Seed);
        Fleet = new Fleet(installation);
        Clients = new Clients(Fleet, Ledger, options.Rate, options.Seed);
        Commander = new Commander(Fleet, Ledger, options.Seed);
        Feed = new FeedReader(Fleet, options.Seed);
        Mail = new AlertMail(installation);
        Audit = new Auditor(installation, Ledger, Mail);
        Timeline = new Timeline(installation, Ledger);
    }

    public Options Options { get; }

    public Installation Installation { get; }

    public Random Random { get; }

    public Fleet Fleet { get; }

    public Ledger Ledger { get; } = new();

    public Clients Clients { get; }

    public Commander Commander { get; }

    public FeedReader Feed { get; }

    public AlertMail Mail { get; }

    public Auditor Audit { get; }

    public Timeline Timeline { get; }

    /// <summary>The lines of the run's report.</summary>
    public IReadOnlyList<string> Report => _report;

    /// <summary>Writes an event to standard error, with the time since the start.</summary>
    public void Say(string what) =>
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Stopwatch.GetElapsedTime(_begun).TotalSeconds,7:F1} s  {what}"));

    /// <summary>Adds a line to the report.</summary>
    public void Tell(string line) => _report.Add(line);

    /// <summary>
    /// Starts an intake, a server with all roles and two workers, imports the baselines, and starts the clients and the consumer of the feed.
    /// </summary>
    public async Task StartUsualAsync(CancellationToken cancellationToken)
    {
        await Fleet.StartUsualAsync(cancellationToken);
        await StartLoadAsync(cancellationToken);
    }

    /// <summary>Imports the baselines, then starts the clients and the consumer of the feed.</summary>
    public async Task StartLoadAsync(CancellationToken cancellationToken)
    {
        await ImportBaselinesAsync(cancellationToken);
        Clients.Start();
        Feed.Start();
        if (Options.Learning)
        {
            Commander.Start();
        }

        Say("the load runs");
    }

    public async Task ImportBaselinesAsync(CancellationToken cancellationToken)
    {
        using var http = new HttpClient();
        using HttpResponseMessage response = await http.PutAsJsonAsync(
            new Uri(Fleet.Intakes[0].Address, "/api/stats"), Submission.Baselines, cancellationToken);
        if (response.StatusCode != HttpStatusCode.OK)
        {
            throw new InvalidOperationException($"The import of the baselines was answered with {(int)response.StatusCode}.");
        }
    }

    /// <summary>Stops the load, waits until everything has settled, and audits.</summary>
    public async Task FinishAsync(CancellationToken cancellationToken)
    {
        await Clients.StopAsync(cancellationToken);
        await Commander.StopAsync(cancellationToken);
        Say($"{Ledger.Count} transactions are acknowledged; waiting for them to settle");
        await Audit.SettleAsync(TimeSpan.FromMinutes(3), cancellationToken);
        Say("settled");
        await Feed.StopAsync(Ledger.Count, TimeSpan.FromSeconds(30), cancellationToken);

        // A verdict moves its row in the feed, and a withdrawn row may have been read before it went.
        HashSet<Guid> answered = [.. Commander.Answered];
        HashSet<Guid> withdrawn = [.. Commander.Withdrawn];
        await Audit.CheckHealthyAsync(
            Feed.Seen.Where(seen => !withdrawn.Contains(seen.Key))
                .ToDictionary(static seen => seen.Key, seen => answered.Contains(seen.Key) ? 1 : seen.Value),
            cancellationToken);
        if (Options.Learning)
        {
            await CheckLearnedAsync(cancellationToken);
        }
    }

    private async Task CheckLearnedAsync(CancellationToken cancellationToken)
    {
        string answer = await Cli.RunAsync(Installation, ["detectors", "verify", "--json"], cancellationToken);
        using JsonDocument verified = JsonDocument.Parse(answer);
        long rows = verified.RootElement.GetProperty("rows").GetInt64();
        Audit.Check(
            rows == Ledger.Count,
            $"what is learned is what the rows say: {rows} rows contribute, after {Commander.Commands} acknowledged commands "
                + $"({Commander.Answered.Count} transactions with verdicts, {Commander.Withdrawn.Count} withdrawn); "
                + "finance-ingest detectors verify ended with 0");
    }

    public async ValueTask DisposeAsync()
    {
        Clients.Dispose();
        Commander.Dispose();
        Feed.Dispose();
        Timeline.Dispose();
        await Fleet.DisposeAsync();
        await Installation.DisposeAsync();
    }
}
