using System.CommandLine;
using System.Globalization;

namespace FinanceIngest.Chaos;

/// <summary>The storage of the programs under test.</summary>
internal enum StorageKind
{
    Embedded,
    Azurite,
    Sql,
}

/// <summary>The command line.</summary>
internal sealed record Options
{
    /// <summary>The name of the scenario.</summary>
    public required string Scenario { get; init; }

    public required StorageKind Storage { get; init; }

    /// <summary>The number of kills, in scenarios that kill.</summary>
    public required int Kills { get; init; }

    /// <summary>The duration of scenarios that last for a given time.</summary>
    public required double Minutes { get; init; }

    /// <summary>The seed of all random numbers; the scheduling of processes stays random.</summary>
    public required int Seed { get; init; }

    /// <summary>The transactions per second at which the clients aim; ≥ 1.</summary>
    public required double Rate { get; init; }

    /// <summary>The number of transactions, in scenarios that send a given number; ≥ 1.</summary>
    public required int Count { get; init; }

    /// <summary>The duration of an outage in seconds.</summary>
    public required double OutageSeconds { get; init; }

    /// <summary>The folder to which the report is also written; null when it is not.</summary>
    public string? Results { get; init; }

    /// <summary>Whether a detector learns beside the one that decides, while verdicts and withdrawals come; the learned states are then audited.</summary>
    public bool Learning { get; init; }

    /// <summary>Whether data and logs are kept also after a clean run.</summary>
    public bool Keep { get; init; }

    /// <summary>Makes the command, which passes its options to <paramref name="run"/> and ends with the exit code that it returns.</summary>
    public static RootCommand CreateCommand(Func<Options, Task<int>> run)
    {
        var scenario = new Option<string>("--scenario")
        {
            Description = "The scenario.",
            HelpName = "NAME",
            DefaultValueFactory = _ => "kills",
        };
        var storage = new Option<StorageKind>("--storage") { Description = "The storage of the programs.", DefaultValueFactory = _ => StorageKind.Embedded };
        Option<double> kills = Number("--kills", "The number of kills, in scenarios that kill.", 20);
        Option<double> minutes = Number("--minutes", "The duration of scenarios that last for a given time.", 1);
        var seed = new Option<int?>("--seed") { Description = "The seed of random numbers; a random one without it.", HelpName = "N" };
        Option<double> rate = Number("--rate", "The transactions per second at which the clients aim.", 300);
        Option<double> count = Number("--count", "The number of transactions, in scenarios that send a given number.", 100_000);
        Option<double> outage = Number("--outage-seconds", "The duration of an outage.", 30);
        var results = new Option<string?>("--results") { Description = "Also write the report to this folder.", HelpName = "FOLDER" };
        var learning = new Option<bool>("--learning")
        {
            Description = "Let a detector learn while verdicts and withdrawals come, in the scenario \"kills\", and audit what it learned.",
        };
        var keep = new Option<bool>("--keep") { Description = "Keep data and logs also after a clean run." };
        string list = string.Join('\n', AllScenarios.List.Select(known => $"  {known.Name,-20} {known.Description}"));
        var command = new RootCommand($"Breaks the real programs under load, and audits what they promised. The scenarios are:\n{list}")
        {
            scenario, storage, kills, minutes, seed, rate, count, outage, results, learning, keep,
        };
        command.SetAction(parsed => run(new Options
        {
            Scenario = parsed.GetRequiredValue(scenario),
            Storage = parsed.GetRequiredValue(storage),
            Kills = (int)parsed.GetRequiredValue(kills),
            Minutes = parsed.GetRequiredValue(minutes),
            Seed = parsed.GetValue(seed) ?? Random.Shared.Next(1_000_000),
            Rate = Math.Max(1, parsed.GetRequiredValue(rate)),
            Count = Math.Max(1, (int)parsed.GetRequiredValue(count)),
            OutageSeconds = parsed.GetRequiredValue(outage),
            Results = parsed.GetValue(results),
            Learning = parsed.GetValue(learning),
            Keep = parsed.GetValue(keep),
        }));
        return command;
    }

    // System.CommandLine would read numbers in the current culture.
    private static Option<double> Number(string name, string description, double unset) => new(name)
    {
        Description = description,
        HelpName = "N",
        DefaultValueFactory = _ => unset,
        CustomParser = result =>
        {
            if (!double.TryParse(result.Tokens[0].Value, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) || !(number >= 0))
            {
                result.AddError($"{name} must be a number from 0.");
            }

            return number;
        },
    };
}
