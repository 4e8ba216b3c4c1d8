using FinanceIngest.Chaos.Scenarios;

namespace FinanceIngest.Chaos;

/// <summary>A fault, and the checks that must pass in spite of it.</summary>
internal interface IScenario
{
    /// <summary>The scenario's name on the command line.</summary>
    string Name { get; }

    /// <summary>What the scenario does, in one line.</summary>
    string Description { get; }

    /// <summary>Returns why the scenario can't run here; null when it can.</summary>
    string? Missing(Options options) => null;

    /// <summary>Runs the scenario, and adds its checks to <see cref="Run.Audit"/>.</summary>
    Task RunAsync(Run run, CancellationToken cancellationToken);
}

/// <summary>All scenarios.</summary>
internal static class AllScenarios
{
    public static IReadOnlyList<IScenario> List { get; } =
    [
        new Kills(),
        new Freeze(),
        new AzuriteRestart(),
        new QueueOutage("alert-queue-down", Storage.Installation.AlertQueue),
        new QueueOutage("inbound-queue-down", Storage.Installation.InboundQueue),
        new DatabaseOutage(),
        new SlowDatabase(),
        new DiskFull(),
        new ClockSkew(),
        new HealthyMessage(),
        new DeadlyMessage(),
        new ScaleToZero(),
        new Shutdown(),
        new Soak(),
        new SlowClients(),
        new Flood(),
        new HostileCallers(),
        new Backlog(),
        new Notifier(),
        new NotifierBacklog(),
    ];
}
