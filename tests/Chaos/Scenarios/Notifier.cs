using System.Diagnostics;
using System.Globalization;
using FinanceIngest.Chaos.Load;

namespace FinanceIngest.Chaos.Scenarios;

/// <summary>Kills notifiers while alerts come, with one channel down.</summary>
internal sealed class Notifier : IScenario
{
    public string Name => "notifier";

    public string Description => "SIGKILL of notifiers while alerts come, one channel down, alerts twice on their queue (--kills N)";

    public async Task RunAsync(Run run, CancellationToken cancellationToken)
    {
        run.Clients.AnomalyOneIn = 4;
        await using var installation = new NotifierInstallation(run);
        await installation.StartAsync(cancellationToken);
        await installation.StartNotifiersAsync(cancellationToken);
        await run.StartLoadAsync(cancellationToken);
        await installation.KillAsync(run.Options.Kills, cancellationToken);
        await installation.FinishAsync(TimeSpan.FromMinutes(3), cancellationToken);
    }
}

/// <summary>Kills notifiers while they work off a heap of alerts, with one channel down.</summary>
internal sealed class NotifierBacklog : IScenario
{
    private const int TransactionsPerBatch = 10_000;

    public string Name => "notifier-backlog";

    public string Description => "--count N anomalies come while no notifier runs; then notifiers, killed --kills N times, tell of them, one channel down";

    public async Task RunAsync(Run run, CancellationToken cancellationToken)
    {
        run.Clients.AnomalyOneIn = 1;
        await using var installation = new NotifierInstallation(run);
        await installation.StartAsync(cancellationToken);
        await run.ImportBaselinesAsync(cancellationToken);
        using (var batches = new LargeBatches(run.Clients, run.Ledger))
        {
            int size = Math.Min(TransactionsPerBatch, run.Options.Count);
            await batches.SendAsync(
                installation.Server.Address, 1, (run.Options.Count + size - 1) / size, size, 0, run.Options.Seed, cancellationToken);
        }

        run.Feed.Start();
        long begun = Stopwatch.GetTimestamp();
        await installation.StartNotifiersAsync(cancellationToken);
        await installation.KillAsync(run.Options.Kills, cancellationToken);
        await installation.FinishAsync(TimeSpan.FromMinutes(20), cancellationToken);
        run.Tell(string.Create(
            CultureInfo.InvariantCulture, $"Everything was told {Stopwatch.GetElapsedTime(begun).TotalSeconds:F0} s after the notifiers' start."));
    }
}
