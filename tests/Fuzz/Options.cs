using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using FinanceIngest.Fuzz.Targets;

namespace FinanceIngest.Fuzz;

/// <summary>The command line.</summary>
internal sealed record Options
{
    /// <summary>The folder to which inputs are written that break a property.</summary>
    public static string Findings { get; } = Path.Combine("artifacts", "fuzz");

    /// <summary>The duration of the run in seconds, for all targets together.</summary>
    public required double Seconds { get; init; }

    /// <summary>The largest number of inputs for each target. A run that this number ends is the same on every machine.</summary>
    public required long Executions { get; init; }

    /// <summary>The name of the only target; null for all targets.</summary>
    public string? Target { get; init; }

    /// <summary>The seed of the random numbers.</summary>
    public required int Seed { get; init; }

    /// <summary>A folder from which more inputs are read and to which new ones are written; null when there is none.</summary>
    public string? Corpus { get; init; }

    /// <summary>The path of the only input to run; null for a campaign.</summary>
    public string? Replay { get; init; }

    /// <summary>A folder from which inputs are deleted that behave as a smaller one does; null for a campaign.</summary>
    public string? Shrink { get; init; }

    /// <summary>Whether to list the targets.</summary>
    public bool List { get; init; }

    /// <summary>Makes the command, which passes its options to <paramref name="run"/> and ends with the exit code that it returns.</summary>
    public static RootCommand CreateCommand(Func<Options, Task<int>> run)
    {
        // System.CommandLine would read numbers in the current culture.
        var seconds = new Option<double>("--seconds")
        {
            Description = "The duration of the run, for all targets together.",
            HelpName = "N",
            DefaultValueFactory = _ => 60,
            CustomParser = ParseSeconds,
        };
        var executions = new Option<long>("--executions")
        {
            Description = "The largest number of inputs for each target (default: no limit).",
            HelpName = "N",
        };
        var target = new Option<string?>("--target") { Description = "The only target, instead of all.", HelpName = "NAME" };
        target.AcceptOnlyFromAmong([.. AllTargets.Create().Select(known => known.Name)]);
        var seed = new Option<int>("--seed") { Description = "The seed of the random numbers.", HelpName = "N", DefaultValueFactory = _ => 1 };
        var corpus = new Option<string?>("--corpus")
        {
            Description = "A folder from which more inputs are read, and to which new ones are written.",
            HelpName = "FOLDER",
        };
        var replay = new Option<string?>("--replay") { Description = "Run this input only; needs --target.", HelpName = "FILE" };
        var shrink = new Option<string?>("--shrink")
        {
            Description = "Delete the inputs of this folder that behave as a smaller one does; needs --target.",
            HelpName = "FOLDER",
        };
        var list = new Option<bool>("--list") { Description = "List the targets." };
        var command = new RootCommand($"Feeds generated inputs to the readers of the programs. Inputs that break a property are written to {Findings}.")
        {
            seconds, executions, target, seed, corpus, replay, shrink, list,
        };
        command.Validators.Add(result =>
        {
            if ((result.GetResult(replay) ?? result.GetResult(shrink)) is not null && result.GetResult(target) is null)
            {
                result.AddError("--replay and --shrink need --target.");
            }
        });
        command.SetAction(parsed => run(new Options
        {
            Seconds = parsed.GetRequiredValue(seconds),
            Executions = parsed.GetResult(executions) is null ? long.MaxValue : parsed.GetRequiredValue(executions),
            Target = parsed.GetValue(target),
            Seed = parsed.GetRequiredValue(seed),
            Corpus = parsed.GetValue(corpus),
            Replay = parsed.GetValue(replay),
            Shrink = parsed.GetValue(shrink),
            List = parsed.GetValue(list),
        }));
        return command;
    }

    private static double ParseSeconds(ArgumentResult result)
    {
        if (!double.TryParse(result.Tokens[0].Value, NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds) || !(seconds >= 0))
        {
            result.AddError("--seconds must be a number from 0.");
        }

        return seconds;
    }
}
