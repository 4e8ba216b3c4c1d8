using System.Globalization;
using FinanceIngest.Chaos.Load;
using FinanceIngest.Chaos.Processes;

namespace FinanceIngest.Chaos.Scenarios;

/// <summary>64 clients send batches of 16 MiB at once, a gigabyte together, to an intake whose heap is limited to 256 MiB.</summary>
internal sealed class Flood : IScenario
{
    private const int Connections = 64;
    private const int Bytes = 16 * 1024 * 1024;
    private const int TransactionsPerBatch = 1000;
    private const long MaximumMegabytes = 448;

    public string Name => "flood";

    public string Description => "64 clients send batches of 16 MiB at once to an intake with a heap of 256 MiB (--count N transactions)";

    public async Task RunAsync(Run run, CancellationToken cancellationToken)
    {
        // The limit acts as a container of that size does: the bound of bytes in flight follows from it.
        run.Fleet.Settings["DOTNET_GCHeapHardLimit"] = "0x10000000";
        ServiceProcess intake = run.Fleet.AddIntake("intake");
        run.Fleet.AddWorker("worker");
        await run.Fleet.StartAsync(cancellationToken);
        await run.StartLoadAsync(cancellationToken);
        using var batches = new LargeBatches(run.Clients, run.Ledger);
        int count = Math.Max(Connections, run.Options.Count / TransactionsPerBatch);
        await batches.SendAsync(intake.Address, Connections, count, TransactionsPerBatch, Bytes, run.Options.Seed + 1000, cancellationToken);
        run.Say("all batches are acknowledged");
        long peak = ProcessFigures.Of(intake).PeakMegabytes;
        run.Tell(string.Create(
            CultureInfo.InvariantCulture,
            $"{count} batches of 16 MiB from {Connections} clients: {batches.Refusals} refusals, Retry-After up to {batches.LongestWait} s; "
                + $"the intake had at most {peak} MB, the worker {ProcessFigures.Of(run.Fleet.Workers[0]).PeakMegabytes} MB."));
        run.Audit.Check(batches.Refusals > 0, $"the intake refuses batches for which it has no memory: {batches.Refusals} refusals");
        run.Audit.Check(peak < MaximumMegabytes, $"the intake's memory is bounded: {peak} MB");
        run.Audit.Check(run.Fleet.All.All(process => process.IsRunning), "no process ends because of the flood");
        await run.FinishAsync(cancellationToken);
    }
}
