using System.Globalization;
using FinanceIngest.Chaos.Processes;

namespace FinanceIngest.Chaos.Scenarios;

/// <summary>
/// Sets clocks wrong by an hour. On embedded storage all processes share the machine's clock, which jumps an hour ahead. With Azurite each process stands for a
/// machine of its own: some clocks are an hour ahead, and others an hour behind.
/// </summary>
internal sealed class ClockSkew : IScenario
{
    private const int Hour = 3600;

    public string Name => "clock-skew";

    public string Description => "embedded: all clocks jump an hour ahead under load; azurite, sql: clocks an hour ahead and behind";

    public async Task RunAsync(Run run, CancellationToken cancellationToken)
    {
        await run.StartUsualAsync(cancellationToken);
        await Task.Delay(TimeSpan.FromSeconds(10), cancellationToken);
        foreach (ServiceProcess process in run.Fleet.All)
        {
            int offset = run.Options.Storage == StorageKind.Embedded || process.Name == "worker-1" ? Hour : process.Name == "server" ? 0 : -Hour;
            process.Wish("clock", offset.ToString(CultureInfo.InvariantCulture));
        }

        run.Say("the clocks are wrong");
        await Task.Delay(TimeSpan.FromSeconds(30), cancellationToken);
        await run.FinishAsync(cancellationToken);
    }
}
