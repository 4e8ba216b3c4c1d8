namespace FinanceIngest.Tests.Architecture;

/// <summary>
/// The floors of <c>src/Shared</c>, lowest first. A folder may use folders on lower floors only, none above it or beside it. <c>docs/architecture.md</c> shows
/// the same table.
/// </summary>
internal static class Floors
{
    public static readonly string[][] FromBelow =
    [
        ["Detection", "Ground", "Transactions"],
        ["Commands", "Configuration", "Preferences"],
        ["Hosting", "SigningKeys", "Sqlite"],
        ["Queueing"],
        ["Observability", "Poison"],
        ["Http", "Retention"],
        ["Baselines", "Health", "Operator"],
        ["Overview", "Results"],
        ["Alerts", "Insights", "Intake", "Learning"],
        ["Notifications"],
        ["Events", "Scoring"],
        ["Replay"],
        ["Storage"],
        ["Backup"],
        ["Composition"],
    ];

    /// <summary>Returns the floor of a folder. 0 is the lowest; −1 means that the folder is on no floor.</summary>
    public static int Of(string folder) => Array.FindIndex(FromBelow, floor => floor.Contains(folder));
}
