using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using FinanceIngest.Bench.Load;

namespace FinanceIngest.Bench;

/// <summary>The command line.</summary>
internal sealed record BenchOptions
{
    /// <summary>The benchmarks to run; empty for all.</summary>
    public required IReadOnlyList<string> Names { get; init; }

    /// <summary>The number of rounds that count.</summary>
    public required int Runs { get; init; }

    /// <summary>The number of transactions in a round; null for each benchmark's own number.</summary>
    public int? Size { get; init; }

    /// <summary>The number of rows in the large database.</summary>
    public required int Rows { get; init; }

    /// <summary>The kinds of idempotency keys that "scale" compares.</summary>
    public required IReadOnlyList<KeyKind> Keys { get; init; }

    /// <summary>The folder of databases and queues.</summary>
    public required string DataFolder { get; init; }

    /// <summary>Whether "latency" is measured beside processes that keep every core busy, instead of alone.</summary>
    public bool Contended { get; init; }

    /// <summary>Whether data and logs are kept.</summary>
    public bool Keep { get; init; }

    /// <summary>Whether the results go to standard output only, and bench/RESULTS.md stays as it is.</summary>
    public bool Print { get; init; }

    /// <summary>Whether to list the benchmarks.</summary>
    public bool List { get; init; }

    /// <summary>Makes the command, which passes its options to <paramref name="run"/> and ends with the exit code that it returns.</summary>
    /// <param name="known">The names of the benchmarks.</param>
    /// <param name="run">Runs the benchmarks.</param>
    public static RootCommand CreateCommand(string[] known, Func<BenchOptions, Task<int>> run)
    {
        var names = new Argument<string[]>("BENCHMARK")
        {
            Arity = ArgumentArity.ZeroOrMore,
            Description = "The benchmarks to run; all when none is named. --list names them.",
            HelpName = "BENCHMARK",
        };
        names.AcceptOnlyFromAmong(known);
        Option<int?> runs = Positive("--runs", "The number of rounds that count, after two rounds of warm-up (default: 5).");
        Option<int?> size = Positive("--size", "The number of transactions in a round, instead of each benchmark's own number.");
        Option<int?> rows = Positive("--rows", "The number of rows in the large database of \"scale\" (default: 5000000).");
        var keys = new Option<string?>("--keys")
        {
            Description = "The idempotency keys of \"scale\": UUIDs of version 7, random ones, or both (default).",
            HelpName = "v7|random|both",
        };
        keys.AcceptOnlyFromAmong("v7", "random", "both");
        var data = new Option<string>("--data")
        {
            Description = "The folder of databases and queues; it decides which disk is measured.",
            HelpName = "FOLDER",
            DefaultValueFactory = _ => Path.GetTempPath(),
        };
        var keep = new Option<bool>("--keep") { Description = "Keep the data and the logs." };
        var print = new Option<bool>("--print") { Description = "Print the results, and leave bench/RESULTS.md as it is." };
        var contended = new Option<bool>("--contended") { Description = "Measure \"latency\" beside processes that keep every core busy." };
        var list = new Option<bool>("--list") { Description = "List the benchmarks." };
        var command = new RootCommand("Runs benchmarks and writes bench/RESULTS.md, in which each benchmark replaces its own section.")
        {
            names, runs, size, rows, keys, data, contended, keep, print, list,
        };
        command.Validators.Add(parsed =>
        {
            if (parsed.GetValue(contended) && parsed.GetValue(names) is not ["latency"])
            {
                parsed.AddError("--contended is for \"latency\" alone.");
            }
        });
        command.SetAction(parsed => run(new BenchOptions
        {
            Names = parsed.GetValue(names) ?? [],
            Runs = parsed.GetValue(runs) ?? 5,
            Size = parsed.GetValue(size),
            Rows = parsed.GetValue(rows) ?? 5_000_000,
            Keys = parsed.GetValue(keys) switch
            {
                "v7" => [KeyKind.Version7],
                "random" => [KeyKind.Random],
                _ => [KeyKind.Version7, KeyKind.Random],
            },
            DataFolder = parsed.GetRequiredValue(data),
            Contended = parsed.GetValue(contended),
            Keep = parsed.GetValue(keep),
            Print = parsed.GetValue(print),
            List = parsed.GetValue(list),
        }));
        return command;
    }

    private static Option<int?> Positive(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "N",
        CustomParser = ParsePositive,
    };

    private static int? ParsePositive(ArgumentResult result)
    {
        string text = result.Tokens[0].Value;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value > 0)
        {
            return value;
        }

        result.AddError($"'{text}' is not a whole number above zero.");
        return null;
    }
}
