using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using FinanceIngest.Chaos.Load;
using FinanceIngest.Chaos.Processes;
using FinanceIngest.Chaos.Storage;

namespace FinanceIngest.Chaos.Scenarios;

/// <summary>A message whose reading ends the process every time gets to poison, its transactions read <c>failed</c>; once the cause is mended, a redrive scores them.</summary>
internal sealed class DeadlyMessage : IScenario
{
    private const long DeadlyUser = 666;
    private const int MostDeaths = 20;

    public string Name => "deadly-message";

    public string Description => "a message that ends its worker every time is poison; 'poison redrive' brings it back";

    public async Task RunAsync(Run run, CancellationToken cancellationToken)
    {
        run.Fleet.AddIntake("intake");
        await run.Fleet.StartAsync(cancellationToken);
        await run.ImportBaselinesAsync(cancellationToken);
        ServiceProcess worker = run.Fleet.AddWorker("worker-1");
        worker.Wish("deadly", DeadlyUser.ToString(CultureInfo.InvariantCulture));
        var deadly = new Submission("deadly", DeadlyUser, 1000);
        await run.Clients.SubmitAsync(run.Clients.Make(20, run.Random), run.Random, cancellationToken);
        await run.Clients.SubmitAsync([deadly], run.Random, cancellationToken);
        await run.Clients.SubmitAsync(run.Clients.Make(20, run.Random), run.Random, cancellationToken);

        await DieUntilGivenUpAsync(run, worker, cancellationToken);
        Guid id = run.Ledger.Acknowledged[deadly.Key].Id;
        var rows = new Rows(run.Installation);
        long poisoned = await run.Installation.Queue(Installation.InboundQueue + "-poison").LengthAsync(cancellationToken);
        run.Audit.Check(rows.Poison() == 1 && poisoned == 1, $"after {worker.Hits.Count} deaths the message is poison: {rows.Poison()} records, {poisoned} messages");
        string status = await StatusAsync(run, id, cancellationToken);
        run.Audit.Check(status == "failed", $"its transaction reads '{status}' at the status URL");
        run.Audit.Check(rows.Count() == run.Ledger.Count, $"its neighbours have their rows: {rows.Count()} of {run.Ledger.Count}");

        long position = rows.Position(id);
        worker.Wish("deadly", null);
        await Cli.RunAsync(run.Installation, ["poison", "redrive"], cancellationToken);
        await Patience.UntilAsync(async () => await StatusAsync(run, id, cancellationToken) == "scored", TimeSpan.FromMinutes(1), cancellationToken);
        status = await StatusAsync(run, id, cancellationToken);
        run.Audit.Check(status == "scored" && rows.Position(id) > position, $"redriven it reads '{status}', at position {rows.Position(id)} of the feed instead of {position}");
        await run.FinishAsync(cancellationToken);
        run.Tell($"The worker ended {worker.Hits.Count} times: {string.Join(", ", worker.Hits.CountBy(hit => hit).Select(count => $"{count.Value} {count.Key}"))}.");
    }

    private static async Task DieUntilGivenUpAsync(Run run, ServiceProcess worker, CancellationToken cancellationToken)
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
                return;
            }

            await inbound.EndLeasesAsync(cancellationToken);
            run.Say($"death {death + 1}: {worker.Hits[^1]}");
        }

        throw new InvalidOperationException($"The message is not poison after {MostDeaths} deaths.");
    }

    private static async Task<string> StatusAsync(Run run, Guid id, CancellationToken cancellationToken)
    {
        using var http = new HttpClient { BaseAddress = run.Fleet.Intakes[0].Address };
        JsonElement answer = await http.GetFromJsonAsync<JsonElement>($"/api/transactions/{id:D}", cancellationToken);
        return answer.GetProperty("status").GetString()!;
    }
}
