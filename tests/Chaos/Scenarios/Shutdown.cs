using System.Globalization;
using FinanceIngest.Chaos.Processes;
using FinanceIngest.Chaos.Storage;

namespace FinanceIngest.Chaos.Scenarios;

/// <summary>
/// Sends SIGTERM to all scorers in the middle of a backlog, again and again. Each must end in time with exit code 0, and the messages that it had received must
/// be visible at once to the next worker.
/// </summary>
internal sealed class Shutdown : IScenario
{
    private const int BatchSize = 300;

    // More than a worker has in hand, which is four batches of 32 messages.
    private const int Backlog = 40_000;
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(25);

    public string Name => "shutdown";

    public string Description => "SIGTERM to all scorers in the middle of a backlog (--kills N times): in time, and nothing stays leased";

    public async Task RunAsync(Run run, CancellationToken cancellationToken)
    {
        run.Fleet.AddIntake("intake");
        await run.Fleet.StartAsync(cancellationToken);
        await run.ImportBaselinesAsync(cancellationToken);
        ServiceProcess[] scorers = [run.Fleet.AddWorker("worker-1"), run.Fleet.AddWorker("worker-2"), run.Fleet.AddServer("server")];
        var rows = new Rows(run.Installation);
        IQueueView inbound = run.Installation.Queue(Installation.InboundQueue);
        TimeSpan longest = TimeSpan.Zero;
        long scoredInBetween = 0;
        for (int round = 1; round <= run.Options.Kills; round++)
        {
            while (run.Ledger.Count - rows.Count() < Backlog)
            {
                await run.Clients.SubmitAsync(run.Clients.Make(BatchSize, run.Random), run.Random, cancellationToken);
            }

            // The first scorer can't finish its write in time and has to return its messages; the others are in the middle of short writes.
            scorers[0].Wish("write-delay", "60000");
            scorers[0].Start();
            await scorers[0].ReadyAsync(cancellationToken);
            await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken);
            foreach (ServiceProcess scorer in scorers[1..])
            {
                scorer.Wish("write-delay", run.Random.Next(200, 2000).ToString(CultureInfo.InvariantCulture));
                scorer.Start();
            }

            long before = rows.Count();
            await Patience.ForAsync("something is scored", () => Task.FromResult(rows.Count() > before), Patience.Start, cancellationToken);
            await Task.Delay(run.Random.Next(500), cancellationToken);
            TimeSpan[] times = await Task.WhenAll(scorers.Select(scorer => scorer.TerminateAsync()));
            long hidden = await inbound.HiddenAsync(cancellationToken);
            long claimed = rows.ClaimedAlerts();
            string took = string.Join(", ", times.Select(time => time.TotalSeconds.ToString("F1", CultureInfo.InvariantCulture)));
            long left = run.Ledger.Count - rows.Count();
            run.Say($"round {round}: {took} s; {rows.Count() - before} scored, {left} left, {hidden} hidden, {claimed} alerts claimed");
            run.Audit.Check(
                Array.TrueForAll(times, time => time < s_limit) && Array.TrueForAll(scorers, scorer => scorer.ExitCode == 0),
                $"round {round}: after SIGTERM the scorers ended within {took} s, with exit codes {string.Join(", "
                    + $"", scorers.Select(scorer => scorer.ExitCode))}");

            // On Azure a hidden marker can't be told from a message, and each scorer may have one marker.
            run.Audit.Check(
                hidden <= (inbound.TellsMarkers ? 0 : scorers.Length) && claimed == 0 && rows.Count() < run.Ledger.Count,
                $"round {round}: {run.Ledger.Count - rows.Count()} transactions were left, {hidden} messages hidden from the next worker, {claimed} "
                    + "alerts claimed");
            longest = times.Append(longest).Max();
            scoredInBetween += rows.Count() - before;
        }

        Array.ForEach(scorers, scorer => scorer.Wish("write-delay", null));
        await run.Fleet.StartAsync(cancellationToken);
        await run.FinishAsync(cancellationToken);
        run.Tell(string.Create(
            CultureInfo.InvariantCulture,
            $"{run.Options.Kills} rounds of SIGTERM to {scorers.Length} scorers: {longest.TotalSeconds:F1} s at most; "
                + $"{scoredInBetween} transactions scored in between."));
    }
}
