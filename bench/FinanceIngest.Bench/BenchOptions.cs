using System.Globalization;

namespace FinanceIngest.Bench;

/// <summary>The command line.</summary>
internal sealed record BenchOptions
{
    public const string Usage =
        """
        Usage: bench/run [BENCHMARK…] [--runs N] [--size N] [--rows N] [--data FOLDER] [--keep] [--list]

        BENCHMARK     which to run; all when none is named
        --runs N      rounds that count, after two to warm up (5)
        --size N      transactions in a round, instead of each benchmark's own number
        --rows N      rows of the large database of "scale" (5000000)
        --data FOLDER where databases and queues are put; decides which disk is measured (the system's folder for temporary files)
        --keep        leave the data and the logs there
        --list        name the benchmarks

        The results go to bench/RESULTS.md, where each benchmark replaces its own section.
        """;

    public IReadOnlyList<string> Names { get; private init; } = [];

    public int Runs { get; private init; } = 5;

    public int? Size { get; private init; }

    public int Rows { get; private init; } = 5_000_000;

    public string DataFolder { get; private init; } = Path.GetTempPath();

    public bool Keep { get; private init; }

    public bool List { get; private init; }

    /// <exception cref="FormatException">Wrong use.</exception>
    public static BenchOptions Parse(string[] arguments)
    {
        var options = new BenchOptions();
        var names = new List<string>();
        for (int i = 0; i < arguments.Length; i++)
        {
            string option = arguments[i];
            string Value() => ++i < arguments.Length ? arguments[i] : throw new FormatException($"{option} needs a value.");
            switch (option)
            {
                case "--runs":
                    options = options with { Runs = Positive(Value()) };
                    break;
                case "--size":
                    options = options with { Size = Positive(Value()) };
                    break;
                case "--rows":
                    options = options with { Rows = Positive(Value()) };
                    break;
                case "--data":
                    options = options with { DataFolder = Value() };
                    break;
                case "--keep":
                    options = options with { Keep = true };
                    break;
                case "--list":
                    options = options with { List = true };
                    break;
                case ['-', ..]:
                    throw new FormatException($"'{option}' is no option.");
                default:
                    names.Add(option);
                    break;
            }
        }

        return options with { Names = names };
    }

    private static int Positive(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value > 0
            ? value
            : throw new FormatException($"'{text}' is not a whole number above zero.");
}
