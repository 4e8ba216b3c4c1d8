namespace FinanceIngest.Tests.Architecture;

/// <summary>
/// The floors of <c>src/Shared</c>, the lowest first: a folder uses folders on lower floors only, never one above it or beside it.
/// <c>docs/architecture.md</c> shows the same table.
/// </summary>
internal static class Floors
{
    public static readonly string[][] FromBelow =
    [
        ["Ground", "Transactions"],
        ["Configuration"],
        ["Hosting", "SigningKeys", "Sqlite"],
        ["Queueing"],
        ["Observability", "Poison"],
        ["Http", "Retention"],
        ["Baselines", "Health"],
        ["Results"],
        ["Alerts", "Intake"],
        ["Scoring"],
        ["Storage"],
        ["Composition"],
    ];

    /// <summary>The floor of a folder, 0 being the lowest; −1: the folder is on none.</summary>
    public static int Of(string folder) => Array.FindIndex(FromBelow, floor => floor.Contains(folder));
}
