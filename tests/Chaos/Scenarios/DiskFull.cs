using System.Diagnostics;

namespace FinanceIngest.Chaos.Scenarios;

/// <summary>Fills the disk of the embedded storage under load, and then frees some space.</summary>
internal sealed class DiskFull : IScenario
{
    private const string Size = "size=24m";
    private const int Ballast = 10 * 1024 * 1024;

    public string Name => "disk-full";

    public string Description => "embedded storage on a small tmpfs that fills up and then has free space again";

    public string? Missing(Options options)
    {
        if (options.Storage != StorageKind.Embedded)
        {
            return "only embedded storage has its queues on this disk";
        }

        string probe = Directory.CreateTempSubdirectory("finance-ingest-mount-").FullName;
        bool mounts = OperatingSystem.IsLinux() && Execute("mount", "-t", "tmpfs", "-o", Size, "tmpfs", probe) && Execute("umount", probe);
        Directory.Delete(probe);
        return mounts ? null : "a tmpfs can't be mounted here";
    }

    public async Task RunAsync(Run run, CancellationToken cancellationToken)
    {
        string data = run.Installation.DataDirectory;
        string ballast = Path.Combine(data, "ballast");
        if (!Execute("mount", "-t", "tmpfs", "-o", Size, "tmpfs", data))
        {
            throw new InvalidOperationException("The tmpfs could not be mounted.");
        }

        try
        {
            await File.WriteAllBytesAsync(ballast, new byte[Ballast], cancellationToken);
            await run.StartUsualAsync(cancellationToken);
            await Patience.ForAsync(
                "the disk is full", () => Task.FromResult(new DriveInfo(data).AvailableFreeSpace < 64 * 1024), TimeSpan.FromMinutes(3), cancellationToken);
            long refusals = run.Ledger.Refusals;
            int acknowledged = run.Ledger.Count;
            run.Say($"the disk is full after {acknowledged} transactions");
            await Task.Delay(TimeSpan.FromSeconds(20), cancellationToken);
            run.Audit.Check(
                run.Ledger.Refusals > refusals,
                $"the intakes refuse while the disk is full: {run.Ledger.Refusals - refusals} refusals, {run.Ledger.Count - acknowledged} acknowledged "
                    + "in 20 s");
            run.Audit.Check(run.Fleet.All.All(process => process.IsRunning), "no process ends because of a full disk");
            Task stopped = run.Clients.StopAsync(cancellationToken);
            File.Delete(ballast);
            run.Say("the disk has free space again");
            await stopped;
            await run.FinishAsync(cancellationToken);
        }
        finally
        {
            // The processes still have files open, so the mount is detached now and ends with the processes.
            Execute("umount", "-l", data);
        }
    }

    private static bool Execute(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
