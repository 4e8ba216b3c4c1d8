using FinanceIngest.Chaos.Scenarios;

namespace FinanceIngest.Chaos;

/// <summary>Something that goes wrong, and what must hold all the same.</summary>
internal interface IScenario
{
    /// <summary>Its name on the command line.</summary>
    string Name { get; }

    /// <summary>What it does, in one line.</summary>
    string Description { get; }

    /// <summary>Why it can't run here; null when it can.</summary>
    string? Missing(Options options) => null;

    /// <summary>Runs it; what must hold is checked with <see cref="Run.Audit"/>.</summary>
    Task RunAsync(Run run, CancellationToken cancellationToken);
}

/// <summary>All of them.</summary>
internal static class AllScenarios
{
    public static IReadOnlyList<IScenario> List { get; } =
    [
        new Kills(), new Freeze(), new AzuriteRestart(), new QueueOutage("alert-queue-down", Storage.Installation.AlertQueue), new QueueOutage("inbound-queue-down", Storage.Installation.InboundQueue),
        new DatabaseOutage(), new SlowDatabase(), new DiskFull(), new ClockSkew(), new HealthyMessage(), new DeadlyMessage(), new ScaleToZero(), new Shutdown(), new Soak(),
        new SlowClients(), new Flood(), new Backlog(),
    ];
}
