using System.Globalization;

namespace FinanceIngest.Fuzz;

/// <summary>The command line.</summary>
internal sealed record Options
{
    /// <summary>What there is.</summary>
    public const string Usage =
        "dotnet run --project tests/Fuzz -- [--seconds N] [--executions N] [--target NAME] [--seed N] [--corpus FOLDER] | --target NAME --replay FILE | --target NAME --shrink FOLDER | --list";

    /// <summary>Where inputs go of which something does not hold.</summary>
    public static string Findings { get; } = Path.Combine("artifacts", "fuzz");

    /// <summary>Seconds for all targets together.</summary>
    public double Seconds { get; private init; } = 60;

    /// <summary>Most inputs a target: with it a run is the same everywhere.</summary>
    public long Executions { get; private init; } = long.MaxValue;

    /// <summary>One target; null: all of them.</summary>
    public string? Target { get; private init; }

    /// <summary>What chance follows from.</summary>
    public int Seed { get; private init; } = 1;

    /// <summary>Where more inputs come from, and new ones go; null: nowhere.</summary>
    public string? Corpus { get; private init; }

    /// <summary>One input to read.</summary>
    public string? Replay { get; private init; }

    /// <summary>A folder of which only those inputs are to stay that go otherwise than the others.</summary>
    public string? Shrink { get; private init; }

    /// <summary>Whether to say what targets there are.</summary>
    public bool List { get; private init; }

    /// <summary>Reads the command line.</summary>
    /// <exception cref="FormatException">It can't be understood.</exception>
    public static Options Parse(string[] args)
    {
        var options = new Options();
        for (int i = 0; i < args.Length; i++)
        {
            if (args[i] == "--list")
            {
                options = options with { List = true };
                continue;
            }

            string value = i + 1 < args.Length ? args[i + 1] : throw new FormatException($"{args[i]} needs a value.");
            options = args[i++] switch
            {
                "--seconds" => options with { Seconds = double.Parse(value, CultureInfo.InvariantCulture) },
                "--executions" => options with { Executions = long.Parse(value, CultureInfo.InvariantCulture) },
                "--target" => options with { Target = value },
                "--seed" => options with { Seed = int.Parse(value, CultureInfo.InvariantCulture) },
                "--corpus" => options with { Corpus = value },
                "--replay" => options with { Replay = value },
                "--shrink" => options with { Shrink = value },
                string other => throw new FormatException($"There is no option {other}."),
            };
        }

        bool oneInput = options.Replay is not null || options.Shrink is not null;
        return oneInput && options.Target is null ? throw new FormatException("--replay and --shrink need --target.") : options;
    }
}
