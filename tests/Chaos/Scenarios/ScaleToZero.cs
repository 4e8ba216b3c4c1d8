using FinanceIngest.Chaos.Load;
using FinanceIngest.Chaos.Processes;
using FinanceIngest.Chaos.Storage;

namespace FinanceIngest.Chaos.Scenarios;

/// <summary>
/// Starts and stops a worker by the length of the inbound queue alone, as an autoscaler does, while the alert queue is down, and while the worker is killed
/// between commit and send. Unsent alerts must always keep the queue from looking empty, so that a worker is started for them.
/// </summary>
internal sealed class ScaleToZero : IScenario
{
    private const int Batch = 40;
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_coolDown = TimeSpan.FromSeconds(5);

    public string Name => "scale-to-zero";

    public string Description => "a worker started and stopped by queue length alone, alert queue down, killed with alerts unsent";

    public async Task RunAsync(Run run, CancellationToken cancellationToken)
    {
        run.Fleet.AddIntake("intake");
        await run.Fleet.StartAsync(cancellationToken);
        await run.ImportBaselinesAsync(cancellationToken);
        var scaler = new Scaler(run, run.Fleet.AddWorker("worker-1"));
        run.Timeline.Start(TimeSpan.FromSeconds(5));

        await SubmitAnomaliesAsync(run, cancellationToken);
        await using (IAsyncDisposable down = await run.Installation.TakeDownQueueAsync(Installation.AlertQueue))
        {
            run.Timeline.Note("alert queue down, 40 anomalies");
            await scaler.UntilAsync("scored, not sent", rows => rows.Count() == Batch && rows.Unsent() > 0, cancellationToken);
            for (int round = 0; round < 2; round++)
            {
                await scaler.LoseWorkerAsync(terminate: round == 0);
                run.Timeline.Note(round == 0 ? "worker stopped (SIGTERM)" : "worker killed");
                await scaler.UntilAsync("the worker is back by queue length alone", _ => scaler.IsWorkerUp, cancellationToken);
                await scaler.ForAsync(TimeSpan.FromSeconds(10), cancellationToken);
            }
        }

        run.Timeline.Note("alert queue back");
        await scaler.UntilAsync("all alerts are sent and the worker is stopped", rows => rows.Unsent() == 0 && !scaler.IsWorkerUp, cancellationToken);

        // The alert queue is up again; the worker is killed between commit and send, and between send and mark.
        foreach (string point in new[] { "alerts.claim.after", "alerts.mark.before" })
        {
            int deaths = scaler.Deaths;
            scaler.KillAt(point);
            await SubmitAnomaliesAsync(run, cancellationToken);
            await scaler.UntilAsync($"the worker is killed at {point}", _ => scaler.Deaths > deaths, cancellationToken);
            run.Timeline.Note($"worker killed at {point}");
            scaler.KillAt(null);
            await scaler.UntilAsync(
                "all alerts are sent and the worker is stopped",
                rows => rows.Count() == run.Ledger.Count && rows.Unsent() == 0 && !scaler.IsWorkerUp,
                cancellationToken);
        }

        run.Audit.Check(
            scaler.Violations == 0,
            $"the queue never looked empty while alerts were unsent: {scaler.Violations} times in {scaler.Looks} looks; "
                + $"the worker was started {scaler.Starts} times and scaled in {scaler.Stops} times");
        await run.FinishAsync(cancellationToken);
        await run.Timeline.StopAsync();
        foreach (string line in run.Timeline.Lines)
        {
            run.Tell(line);
        }
    }

    private static Task SubmitAnomaliesAsync(Run run, CancellationToken cancellationToken) => run.Clients.SubmitAsync(
        [.. run.Clients.Make(Batch, run.Random).Select((submission, i) => submission with { UserId = (i % Submission.Users) + 1, Amount = 9000 + i })],
        run.Random,
        cancellationToken);

    /// <summary>
    /// Starts and stops the worker by the queue's length. For the audit, it also counts how often the length was zero while alerts were unsent.
    /// </summary>
    private sealed class Scaler(Run run, ServiceProcess worker)
    {
        private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);
        private readonly Rows _rows = new(run.Installation);
        private readonly IQueueView _inbound = run.Installation.Queue(Installation.InboundQueue);
        private long _emptySince = Environment.TickCount64;
        private bool _isStarted;

        public bool IsWorkerUp => worker.IsRunning;

        public int Starts { get; private set; }

        public int Stops { get; private set; }

        public int Deaths { get; private set; }

        public int Looks { get; private set; }

        public int Violations { get; private set; }

        public void KillAt(string? point) => worker.Wish("kill", point);

        /// <summary>Ends the worker, as when its machine is taken away.</summary>
        public async Task LoseWorkerAsync(bool terminate)
        {
            if (terminate)
            {
                TimeSpan took = await worker.TerminateAsync();
                run.Audit.Check(took < TimeSpan.FromSeconds(25), $"SIGTERM with alerts unsent ended the worker in {took.TotalSeconds:F1} s");
            }
            else
            {
                await worker.KillAsync();
            }
        }

        public async Task UntilAsync(string what, Func<Rows, bool> condition, CancellationToken cancellationToken)
        {
            long deadline = Environment.TickCount64 + (long)s_patience.TotalMilliseconds;
            while (true)
            {
                await LookAsync(cancellationToken);
                if (condition(_rows))
                {
                    run.Say(what);
                    return;
                }

                if (Environment.TickCount64 > deadline)
                {
                    throw new TimeoutException($"Waited {s_patience.TotalSeconds:F0} s in vain until {what}.");
                }

                await Task.Delay(s_poll, cancellationToken);
            }
        }

        public async Task ForAsync(TimeSpan time, CancellationToken cancellationToken)
        {
            for (long end = Environment.TickCount64 + (long)time.TotalMilliseconds; Environment.TickCount64 < end;)
            {
                await LookAsync(cancellationToken);
                await Task.Delay(s_poll, cancellationToken);
            }
        }

        private async Task LookAsync(CancellationToken cancellationToken)
        {
            // The length is read before the alerts. Nothing is submitted meanwhile, so alerts that are unsent afterwards were unsent when the length was read.
            long length = await _inbound.LengthAsync(cancellationToken);
            Looks++;
            Violations += length == 0 && _rows.Unsent() > 0 ? 1 : 0;
            if (_isStarted && !worker.IsRunning)
            {
                Deaths++;
                _isStarted = false;
            }

            if (length > 0)
            {
                _emptySince = Environment.TickCount64;
                if (!worker.IsRunning)
                {
                    worker.Start();
                    Starts++;
                    _isStarted = true;
                }
            }
            else if (worker.IsRunning && Environment.TickCount64 - _emptySince > s_coolDown.TotalMilliseconds)
            {
                _isStarted = false;
                await worker.TerminateAsync();
                Stops++;
            }
        }
    }
}
