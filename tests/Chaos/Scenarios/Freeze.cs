using FinanceIngest.Chaos.Processes;

namespace FinanceIngest.Chaos.Scenarios;

/// <summary>Freezes processes past their leases: others take their messages and their claims over, and then they wake up with all of it still in their hands.</summary>
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
            // Slow enough that something is in hand when it freezes.
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

            // Who is frozen inside a transaction of SQLite's keeps everybody from writing; it is the process that must roll back when it wakes up.
            run.Audit.Check(
                isLocked || after > before,
                isLocked
                    ? $"frozen inside a write transaction, which nobody can write beside: {after - before} rows in {s_pastTheLease.TotalSeconds:F0} s"
                    : $"the other worker goes on: {after - before} rows while two processes stood still for {s_pastTheLease.TotalSeconds:F0} s");
        }

        await run.FinishAsync(cancellationToken);
    }
}
