using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using FinanceIngest.Chaos.Load;
using FinanceIngest.Chaos.Processes;
using FinanceIngest.Chaos.Storage;

namespace FinanceIngest.Chaos.Scenarios;

/// <summary>
/// Submits two messages that end every process which handles them: one while it is read, and one while its results are written. Both must become poison, with
/// their transactions <c>failed</c>. After the cause is mended, a redrive must score them.
/// </summary>
internal sealed class DeadlyMessage : IScenario
{
    private const int MostDeaths = 20;

    // Each entry is a name in the control file, and the user whose messages it makes deadly.
    private static readonly (string Wish, long User)[] s_deadly = [("deadly", 666), ("deadly-write", 667)];

    public string Name => "deadly-message";

    public string Description => "messages that end every process which reads or writes them become poison; 'poison redrive' puts them back";

    public async Task RunAsync(Run run, CancellationToken cancellationToken)
    {
        run.Fleet.AddIntake("intake");
        await run.Fleet.StartAsync(cancellationToken);
        await run.ImportBaselinesAsync(cancellationToken);
        ServiceProcess worker = run.Fleet.AddWorker("worker-1");
        await run.Clients.SubmitAsync(run.Clients.Make(20, run.Random), run.Random, cancellationToken);
        foreach ((string wish, long user) in s_deadly)
        {
            worker.Wish(wish, user.ToString(CultureInfo.InvariantCulture));
            await run.Clients.SubmitAsync([new Submission(wish, user, 1000)], run.Random, cancellationToken);
            await run.Clients.SubmitAsync(run.Clients.Make(20, run.Random), run.Random, cancellationToken);
        }

        int deaths = await DieUntilGivenUpAsync(run, worker, cancellationToken);
        var rows = new Rows(run.Installation);
        long poisoned = await run.Installation.Queue(Installation.InboundQueue + "-poison").LengthAsync(cancellationToken);
        run.Audit.Check(
            rows.Poison() == s_deadly.Length && poisoned == s_deadly.Length,
            $"after {deaths} deaths of the worker and {worker.Hits.Count - deaths} of its children the deadly messages are poison: "
                + $"{rows.Poison()} records, {poisoned} messages");
        run.Audit.Check(
            !worker.Hits.Any(hit => hit.Contains("no transaction", StringComparison.Ordinal)),
            "processes that died while they wrote died inside a transaction");
        run.Audit.Check(rows.Count() == run.Ledger.Count, $"all other transactions have their rows: {rows.Count()} of {run.Ledger.Count}");
        Guid[] ids = [.. s_deadly.Select(deadly => run.Ledger.Acknowledged[deadly.Wish].Id)];
        long[] positions = [.. ids.Select(rows.Position)];
        await CheckStatusAsync(run, ids, "failed", cancellationToken);

        Array.ForEach(s_deadly, deadly => worker.Wish(deadly.Wish, null));
        await Cli.RunAsync(run.Installation, ["poison", "redrive"], cancellationToken);
        await CheckStatusAsync(run, ids, "scored", cancellationToken);
        run.Audit.Check(
            ids.Zip(positions).All(moved => rows.Position(moved.First) > moved.Second),
            $"after the redrive their positions in the feed are {string.Join(" and ", ids.Select(rows.Position))} instead of {string.Join(" and "
                + $"", positions)}");
        await run.FinishAsync(cancellationToken);
        run.Tell($"{worker.Hits.Count} ends: {string.Join(", ", worker.Hits.CountBy(hit => hit).Select(count => $"{count.Value} {count.Key}"))}.");
    }

    private static async Task CheckStatusAsync(Run run, Guid[] ids, string expected, CancellationToken cancellationToken)
    {
        foreach (Guid id in ids)
        {
            await Patience.UntilAsync(async () => await StatusAsync(run, id, cancellationToken) == expected, TimeSpan.FromMinutes(1), cancellationToken);
            string status = await StatusAsync(run, id, cancellationToken);
            long user = run.Ledger.Acknowledged.Values.Single(promise => promise.Id == id).Submission.UserId;
            run.Audit.Check(status == expected, $"the transaction of user {user} has the status '{status}' at the status URL");
        }
    }

    /// <summary>Starts the worker again and again until the inbound queue is empty.</summary>
    /// <returns>How often the worker itself ended.</returns>
    private static async Task<int> DieUntilGivenUpAsync(Run run, ServiceProcess worker, CancellationToken cancellationToken)
    {
        IQueueView inbound = run.Installation.Queue(Installation.InboundQueue);
        for (int death = 0; death <= MostDeaths; death++)
        {
            worker.Start();
            await Patience.ForAsync(
                "the worker ends or the queue is empty",
                async () => !worker.IsRunning || await inbound.LengthAsync(cancellationToken) == 0, Patience.Start, cancellationToken);
            if (worker.IsRunning)
            {
                return death;
            }

            await inbound.EndLeasesAsync(cancellationToken);
            run.Say($"death {death + 1}: {worker.Hits[^1]}");
        }

        throw new InvalidOperationException($"The deadly messages are not poison after {MostDeaths} deaths of the worker.");
    }

    private static async Task<string> StatusAsync(Run run, Guid id, CancellationToken cancellationToken)
    {
        using var http = new HttpClient { BaseAddress = run.Fleet.Intakes[0].Address };
        JsonElement answer = await http.GetFromJsonAsync<JsonElement>($"/api/transactions/{id:D}", cancellationToken);
        return answer.GetProperty("status").GetString()!;
    }
}
