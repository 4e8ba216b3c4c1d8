using FinanceIngest.Chaos.Processes;

namespace FinanceIngest.Chaos.Scenarios;

/// <summary>Kills processes under load and starts them again. Half of the kills are at a named point in the order of effects.</summary>
internal sealed class Kills : IScenario
{
    private const string AtRandom = "at random";
    private static readonly string[] s_intakePoints = ["inbound.send.before", "inbound.send.after"];
    private static readonly string[] s_scorerPoints =
    [
        "inbound.receive.after", "write.before", "write.inside", "write.after", "inbound.delete.before", "inbound.delete.after",
        "marker.send.before", "marker.send.after", "alerts.claim.after", "alerts.send.before", "alerts.send.after", "alerts.mark.before", "alerts.mark.after",
    ];

    public string Name => "kills";

    public string Description => "SIGKILL under load, at random and at named points (--kills N)";

    public async Task RunAsync(Run run, CancellationToken cancellationToken)
    {
        // The server's worker is woken by its own intake. The other workers get messages only if they poll often.
        run.Fleet.Settings["FinanceIngest__Polling__MaximumSeconds"] = "0.1";
        if (run.Options.Learning)
        {
            // The z-score decides, so that the harness's own scores hold, and the other detector learns beside it.
            run.Fleet.Settings["FinanceIngest__Detection__Shadow"] = "adaptive";
        }

        await run.StartUsualAsync(cancellationToken);
        var starting = new Dictionary<ServiceProcess, Task<bool>>();
        var counts = new SortedDictionary<string, int>(StringComparer.Ordinal);
        for (int kill = 1; kill <= run.Options.Kills; kill++)
        {
            ServiceProcess victim = await NextVictimAsync(run, starting);
            string point = run.Random.Next(2) == 0 ? AtRandom : PointOf(run, victim);
            string where = await KillAsync(run, victim, point, cancellationToken);
            counts[where] = counts.GetValueOrDefault(where) + 1;
            run.Say($"kill {kill}: {victim.Name}, {where}");
            victim.Start();
            starting[victim] = victim.ReadyAsync(cancellationToken);
        }

        bool[] started = await Task.WhenAll(starting.Values);
        run.Audit.Check(Array.TrueForAll(started, ready => ready), "every killed process starts again");
        run.Audit.Check(
            !counts.Keys.Any(where => where.Contains("no transaction", StringComparison.Ordinal)),
            "a transaction was open at every kill that should be inside one");
        await run.FinishAsync(cancellationToken);
        run.Tell($"{run.Options.Kills} kills: {string.Join(", ", counts.Select(count => $"{count.Value} {count.Key}"))}.");
    }

    private static string PointOf(Run run, ServiceProcess victim)
    {
        string[] points = victim.IsWorker ? s_scorerPoints : victim.Name == "intake" ? s_intakePoints : [.. s_intakePoints, .. s_scorerPoints];
        return points[run.Random.Next(points.Length)];
    }

    // The victim has finished its start, because killing a process that has not begun to work would test nothing.
    private static async Task<ServiceProcess> NextVictimAsync(Run run, Dictionary<ServiceProcess, Task<bool>> starting)
    {
        while (true)
        {
            ServiceProcess[] ready = [.. run.Fleet.All.Where(process => !starting.TryGetValue(process, out Task<bool>? start) || start.IsCompleted)];
            if (ready.Length > 0)
            {
                return ready[run.Random.Next(ready.Length)];
            }

            await Task.WhenAny(starting.Values);
        }
    }

    /// <returns>Where the victim ended: at the point, or at random when it did not reach the point in time.</returns>
    private static async Task<string> KillAsync(Run run, ServiceProcess victim, string point, CancellationToken cancellationToken)
    {
        int hits = victim.Hits.Count;
        if (point != AtRandom)
        {
            victim.Wish("kill", point);
            await victim.EndsAsync(TimeSpan.FromSeconds(6), cancellationToken);
            victim.Wish("kill", null);
        }
        else
        {
            await Task.Delay(run.Random.Next(1000), cancellationToken);
        }

        await victim.KillAsync();
        return victim.Hits.Count > hits ? victim.Hits[^1] : AtRandom;
    }
}
