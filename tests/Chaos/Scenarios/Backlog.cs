using System.Diagnostics;
using System.Globalization;
using FinanceIngest.Chaos.Load;
using FinanceIngest.Chaos.Processes;

namespace FinanceIngest.Chaos.Scenarios;

/// <summary>Fills the queue while no worker runs, and then lets one worker drain it.</summary>
internal sealed class Backlog : IScenario
{
    private const int Connections = 4;
    private const int TransactionsPerBatch = 10_000;
    private const long MaximumMegabytes = 200;

    public string Name => "backlog";

    public string Description => "an intake accepts --count N transactions while no worker runs, then one worker drains them";

    public async Task RunAsync(Run run, CancellationToken cancellationToken)
    {
        ServiceProcess intake = run.Fleet.AddIntake("intake");
        await run.Fleet.StartAsync(cancellationToken);
        await run.ImportBaselinesAsync(cancellationToken);
        using var batches = new LargeBatches(run.Clients, run.Ledger);
        int count = (run.Options.Count + TransactionsPerBatch - 1) / TransactionsPerBatch;
        long begun = Stopwatch.GetTimestamp();
        await batches.SendAsync(intake.Address, Connections, count, TransactionsPerBatch, 0, run.Options.Seed, cancellationToken);
        TimeSpan filling = Stopwatch.GetElapsedTime(begun);
        run.Say($"{run.Ledger.Count} transactions are queued");
        run.Audit.Check(batches.Refusals == 0, $"the intake refuses nothing because of a backlog: {batches.Refusals} refusals");

        ServiceProcess worker = run.Fleet.AddWorker("worker");
        begun = Stopwatch.GetTimestamp();
        await run.Fleet.StartAsync(cancellationToken);
        await run.Audit.SettleAsync(TimeSpan.FromMinutes(15), cancellationToken);
        TimeSpan draining = Stopwatch.GetElapsedTime(begun);
        (long ofIntake, long ofWorker) = (ProcessFigures.Of(intake).PeakMegabytes, ProcessFigures.Of(worker).PeakMegabytes);
        run.Tell(string.Create(
            CultureInfo.InvariantCulture,
            $"{run.Ledger.Count} transactions queued in {filling.TotalSeconds:F0} s and scored in {draining.TotalSeconds:F0} s; "
                + $"the intake had at most {ofIntake} MB, the worker {ofWorker} MB."));
        run.Audit.Check(ofWorker < MaximumMegabytes, $"the worker's memory is bounded: {ofWorker} MB");
        run.Feed.Start();
        await run.Feed.StopAsync(run.Ledger.Count, TimeSpan.FromMinutes(5), cancellationToken);
        await run.Audit.CheckHealthyAsync(run.Feed.Seen, cancellationToken);
    }
}
