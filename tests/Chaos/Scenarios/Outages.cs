using FinanceIngest.Chaos.Storage;

namespace FinanceIngest.Chaos.Scenarios;

/// <summary>The common part of the outages: load with an outage in the middle, a timeline, the audit.</summary>
internal abstract class OutageScenario : IScenario
{
    // Requests and batches that were under way when the outage began are finished after this time.
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(3);

    public abstract string Name { get; }

    public abstract string Description { get; }

    public async Task RunAsync(Run run, CancellationToken cancellationToken)
    {
        var outage = TimeSpan.FromSeconds(run.Options.OutageSeconds);
        var rows = new Rows(run.Installation);
        await run.StartUsualAsync(cancellationToken);
        run.Timeline.Start(TimeSpan.FromSeconds(Math.Clamp(outage.TotalSeconds / 6, 2, 10)));
        await Task.Delay(TimeSpan.FromSeconds(10), cancellationToken);
        await using (IAsyncDisposable down = await BeginAsync(run))
        {
            run.Timeline.Note("**down**");
            run.Say("the outage begins");
            await Task.Delay(s_grace, cancellationToken);
            (int acknowledged, long scored) = (run.Ledger.Count, rows.Count());
            await Task.Delay(outage, cancellationToken);
            CheckDuring(run, run.Ledger.Count - acknowledged, rows.Count() - scored);
        }

        run.Timeline.Note("**back**");
        run.Say("the outage is over");
        await Task.Delay(TimeSpan.FromSeconds(15), cancellationToken);
        await run.FinishAsync(cancellationToken);
        await run.Timeline.StopAsync();
        foreach (string line in run.Timeline.Lines)
        {
            run.Tell(line);
        }
    }

    protected abstract Task<IAsyncDisposable> BeginAsync(Run run);

    /// <summary>Checks the system while the outage lasts.</summary>
    /// <param name="run">The run.</param>
    /// <param name="acknowledged">Transactions acknowledged during the outage.</param>
    /// <param name="scored">Rows written during the outage.</param>
    protected abstract void CheckDuring(Run run, int acknowledged, long scored);
}

/// <summary>Puts one queue out of reach.</summary>
internal sealed class QueueOutage(string name, string queue) : OutageScenario
{
    public override string Name => name;

    public override string Description => $"the queue {queue} is out of reach (--outage-seconds N)";

    protected override Task<IAsyncDisposable> BeginAsync(Run run) => run.Installation.TakeDownQueueAsync(queue);

    protected override void CheckDuring(Run run, int acknowledged, long scored)
    {
        if (queue == Installation.AlertQueue)
        {
            run.Audit.Check(
                acknowledged > 0 && scored > 0, $"scoring goes on without the alert queue: {acknowledged} acknowledged, {scored} scored during the outage");
        }
        else
        {
            run.Audit.Check(acknowledged == 0, $"nothing is acknowledged without the inbound queue: {acknowledged} during the outage");
        }
    }
}

/// <summary>Makes the database unavailable for writes: on SQLite another process holds the lock, and on SQL Server connections are cut.</summary>
internal sealed class DatabaseOutage : OutageScenario
{
    public override string Name => "database-down";

    public override string Description => "the database accepts no writes (--outage-seconds N)";

    protected override Task<IAsyncDisposable> BeginAsync(Run run) => run.Installation.TakeDownDatabaseAsync();

    protected override void CheckDuring(Run run, int acknowledged, long scored) =>
        run.Audit.Check(
            acknowledged > 0 && scored == 0, $"the intake goes on without the database: {acknowledged} acknowledged, {scored} scored during the outage");
}

/// <summary>Delays every write to the database by two seconds.</summary>
internal sealed class SlowDatabase : OutageScenario
{
    private const long MaximumMegabytes = 512;

    public override string Name => "database-slow";

    public override string Description => "every write to the database takes two seconds longer (--outage-seconds N)";

    protected override Task<IAsyncDisposable> BeginAsync(Run run)
    {
        SetDelay(run, "2000");
        return Task.FromResult<IAsyncDisposable>(new Faults.Outage(() => SetDelay(run, null)));
    }

    protected override void CheckDuring(Run run, int acknowledged, long scored)
    {
        long largest = run.Fleet.All.Max(process => ProcessFigures.Of(process).Megabytes);
        run.Audit.Check(
            acknowledged > 0 && scored > 0 && largest < MaximumMegabytes,
            $"a slow database slows scoring only: {acknowledged} acknowledged, {scored} scored meanwhile, the largest process has {largest} MB");
        foreach (Processes.ServiceProcess process in run.Fleet.All)
        {
            run.Tell($"- {process.Name}: at most {ProcessFigures.Of(process).PeakMegabytes} MB");
        }

        run.Tell("");
    }

    private static void SetDelay(Run run, string? milliseconds)
    {
        foreach (Processes.ServiceProcess process in run.Fleet.All)
        {
            process.Wish("write-delay", milliseconds);
        }
    }
}
