using FinanceIngest.Chaos.Load;
using FinanceIngest.Chaos.Processes;
using FinanceIngest.Chaos.Storage;

namespace FinanceIngest.Chaos.Scenarios;

/// <summary>
/// Kills the worker again and again while it handles the same healthy message. The message must be scored in the end, and never become poison.
/// </summary>
internal sealed class HealthyMessage : IScenario
{
    private static readonly string[] s_points = ["inbound.receive.after", "write.before", "write.inside"];

    public string Name => "healthy-message";

    public string Description => "kills the worker each time it handles one healthy message (--kills N)";

    public async Task RunAsync(Run run, CancellationToken cancellationToken)
    {
        run.Fleet.AddIntake("intake");
        await run.Fleet.StartAsync(cancellationToken);
        await run.ImportBaselinesAsync(cancellationToken);
        ServiceProcess worker = run.Fleet.AddWorker("worker-1");
        IQueueView inbound = run.Installation.Queue(Installation.InboundQueue);
        IReadOnlyList<Submission> submissions = run.Clients.Make(1, run.Random);
        await run.Clients.SubmitAsync(submissions, run.Random, cancellationToken);
        for (int kill = 0; kill < run.Options.Kills; kill++)
        {
            worker.Wish("kill", s_points[kill % s_points.Length]);
            worker.Start();
            if (!await worker.EndsAsync(Patience.Start, cancellationToken))
            {
                throw new TimeoutException($"Kill {kill + 1}: the worker did not take the message.");
            }

            await inbound.EndLeasesAsync(cancellationToken);
            run.Say($"kill {kill + 1}: {worker.Hits[^1]}");
        }

        worker.Wish("kill", null);
        await run.Fleet.StartAsync(cancellationToken);
        await run.FinishAsync(cancellationToken);
        string kills = string.Join(", ", worker.Hits.CountBy(hit => hit).Select(count => $"{count.Value} {count.Key}"));
        run.Tell($"{worker.Hits.Count} kills of one message's worker: {kills}. Attempts counted against the message: {new Rows(run.Installation).Attempts()}.");
    }
}
