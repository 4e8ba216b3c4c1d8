using FinanceIngest.Chaos.Processes;

namespace FinanceIngest.Chaos.Scenarios;

/// <summary>
/// Freezes processes for longer than their leases. Other processes take over their messages and claims, and then the frozen processes wake up and still believe
/// that they hold them.
/// </summary>
internal sealed class Freeze : IScenario
{
    private const int Rounds = 2;
    private static readonly TimeSpan s_pastTheLease = TimeSpan.FromSeconds(32);

    public string Name => "freeze";

    public string Description => "SIGSTOP past the lease of 25 s, then SIGCONT, worker and whole server at once";

    public async Task RunAsync(Run run, CancellationToken cancellationToken)
    {
        run.Clients.ServersStandStill = true;
        await run.StartUsualAsync(cancellationToken);
        ServiceProcess[] victims = [run.Fleet.Workers[0], run.Fleet.All.Single(process => process.Name == "server")];
        foreach (ServiceProcess victim in victims)
        {
            // The delay makes sure that a write is under way when the process freezes.
            victim.Wish("write-delay", "400");
        }

        var rows = new Storage.Rows(run.Installation);
        for (int round = 0; round < Rounds; round++)
        {
            await Task.Delay(TimeSpan.FromSeconds(5), cancellationToken);
            long before = rows.Count();
            Array.ForEach(victims, victim => victim.Freeze());
            run.Say("worker-1 and server are frozen");
            bool isLocked = run.Installation.IsDatabaseLocked();
            await Task.Delay(s_pastTheLease, cancellationToken);
            long after = rows.Count();
            Array.ForEach(victims, victim => victim.Thaw());

            // A process that is frozen inside a write transaction of SQLite keeps all others from writing; it must roll back when it wakes up.
            run.Audit.Check(
                isLocked || after > before,
                isLocked
                    ? $"a process is frozen inside a write transaction, so that no other can write: {after - before} rows in {s_pastTheLease.TotalSeconds:F0} s"
                    : $"the other worker goes on: {after - before} rows while two processes stood still for {s_pastTheLease.TotalSeconds:F0} s");
        }

        await run.FinishAsync(cancellationToken);
    }
}
