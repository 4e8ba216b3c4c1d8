using System.Globalization;

namespace FinanceIngest.Chaos;

/// <summary>Where the programs under test keep their data.</summary>
internal enum StorageKind
{
    Embedded,
    Azurite,
    Sql,
}

/// <summary>The command line.</summary>
internal sealed record Options
{
    public const string Usage = """
        usage: FinanceIngest.Chaos [--scenario NAME] [--storage embedded|azurite|sql] [--kills N] [--minutes N] [--seed N]
                                   [--rate N] [--count N] [--outage-seconds N] [--results FOLDER] [--keep]
        """;

    public string Scenario { get; private init; } = "kills";

    public StorageKind Storage { get; private init; }

    /// <summary>Kills of the scenarios that kill.</summary>
    public int Kills { get; private init; } = 20;

    /// <summary>Length of the scenarios that are a length of time.</summary>
    public double Minutes { get; private init; } = 1;

    /// <summary>What is random follows from it, except for the scheduling of processes.</summary>
    public int Seed { get; private init; } = Random.Shared.Next(1_000_000);

    /// <summary>Transactions per second that the clients aim at.</summary>
    public double Rate { get; private init; } = 300;

    /// <summary>Transactions of the scenarios that are a number of transactions.</summary>
    public int Count { get; private init; } = 100_000;

    /// <summary>Length of an outage.</summary>
    public double OutageSeconds { get; private init; } = 30;

    /// <summary>Where results go; null: only to standard output.</summary>
    public string? Results { get; private init; }

    /// <summary>Whether data and logs of a clean run stay.</summary>
    public bool Keep { get; private init; }

    /// <exception cref="FormatException">Wrong use.</exception>
    public static Options Parse(string[] args)
    {
        var options = new Options();
        for (int i = 0; i < args.Length; i++)
        {
            string Value() => ++i < args.Length ? args[i] : throw new FormatException($"{args[^1]} needs a value.");
            double Number() => double.TryParse(Value(), NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && number >= 0
                ? number
                : throw new FormatException($"'{args[i]}' is not a number.");
            options = args[i] switch
            {
                "--scenario" => options with { Scenario = Value() },
                "--storage" => options with
                {
                    Storage = Enum.TryParse(Value(), ignoreCase: true, out StorageKind kind) ? kind : throw new FormatException($"'{args[i]}' is not embedded, azurite or sql."),
                },
                "--kills" => options with { Kills = (int)Number() },
                "--minutes" => options with { Minutes = Number() },
                "--seed" => options with { Seed = (int)Number() },
                "--rate" => options with { Rate = Math.Max(1, Number()) },
                "--count" => options with { Count = Math.Max(1, (int)Number()) },
                "--outage-seconds" => options with { OutageSeconds = Number() },
                "--results" => options with { Results = Value() },
                "--keep" => options with { Keep = true },
                _ => throw new FormatException($"'{args[i]}' is not an option."),
            };
        }

        return options;
    }
}
