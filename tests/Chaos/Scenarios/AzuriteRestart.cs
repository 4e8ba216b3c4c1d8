using FinanceIngest.Chaos.Storage;

namespace FinanceIngest.Chaos.Scenarios;

/// <summary>Stops the queue service under load and starts it again, twice.</summary>
internal sealed class AzuriteRestart : IScenario
{
    private const int Rounds = 2;

    public string Name => "azurite-restart";

    public string Description => "stops Azurite under load and starts it again (--outage-seconds N)";

    public string? Missing(Options options) => options.Storage == StorageKind.Embedded ? "embedded storage has no Azurite" : null;

    public async Task RunAsync(Run run, CancellationToken cancellationToken)
    {
        await run.StartUsualAsync(cancellationToken);
        var azurite = ((AzuriteInstallation)run.Installation).Azurite;
        for (int round = 0; round < Rounds; round++)
        {
            await Task.Delay(TimeSpan.FromSeconds(8), cancellationToken);
            await azurite.StopAsync();
            run.Say("Azurite is down");
            await Task.Delay(TimeSpan.FromSeconds(run.Options.OutageSeconds), cancellationToken);
            await azurite.StartAsync(cancellationToken);
            run.Say("Azurite is back");
        }

        await Task.Delay(TimeSpan.FromSeconds(8), cancellationToken);
        await run.FinishAsync(cancellationToken);
    }
}
