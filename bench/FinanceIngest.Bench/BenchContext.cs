using System.Diagnostics;
using System.Globalization;
using FinanceIngest.Bench.Reporting;

namespace FinanceIngest.Bench;

/// <summary>The context of a benchmark.</summary>
/// <param name="Options">The options of the command line.</param>
/// <param name="Folder">The benchmark's folder.</param>
internal sealed record BenchContext(BenchOptions Options, BenchFolder Folder, CancellationToken CancellationToken)
{
    /// <summary>The rounds before those that count: the runtime recompiles hot methods on the same cores for the first tens of seconds.</summary>
    public const int WarmUpRounds = 2;

    /// <summary>The number of rounds that count; earlier rounds only warm up.</summary>
    public int Runs => Options.Runs;

    /// <summary>Returns the number of transactions of the command line, or the benchmark's standard number.</summary>
    public int Size(int standard) => Options.Size ?? standard;

    /// <summary>Writes progress to standard error.</summary>
    public static void Say(string text) => Console.Error.WriteLine($"{DateTime.UtcNow.ToString("HH:mm:ss", CultureInfo.InvariantCulture)} {text}");

    /// <summary>
    /// Runs the contenders in turns, A B A B …, first to warm up, and then for <see cref="Runs"/> rounds that count. Returns a series for each contender.
    /// </summary>
    public async Task<IReadOnlyList<Series>> TakeTurnsAsync(params Contender[] contenders)
    {
        var values = contenders.Select(_ => new List<double>()).ToArray();
        for (int round = 1 - WarmUpRounds; round <= Runs; round++)
        {
            for (int i = 0; i < contenders.Length; i++)
            {
                long start = Stopwatch.GetTimestamp();
                double value = await contenders[i].RunAsync(round <= 0);
                CancellationToken.ThrowIfCancellationRequested();
                Say(string.Create(CultureInfo.InvariantCulture,
                    $"  {(round <= 0 ? "warm-up" : $"round {round}")}: {contenders[i].Name}: {value:N2} {contenders[i].Unit} "
                        + $"({Stopwatch.GetElapsedTime(start).TotalSeconds:F1} s)"));
                if (round > 0)
                {
                    values[i].Add(value);
                }
            }
        }

        return [.. contenders.Zip(values, (contender, found) => new Series(contender.Name, contender.Unit, found))];
    }
}

/// <summary>A program or function that is measured in turns with others.</summary>
/// <param name="Name">The contender's name in the report.</param>
/// <param name="Unit">The unit of the measured value.</param>
/// <param name="RunAsync">Runs a round. The argument says whether the round only warms up, and so may be smaller.</param>
internal sealed record Contender(string Name, string Unit, Func<bool, Task<double>> RunAsync);

/// <summary>A benchmark.</summary>
/// <param name="Name">The benchmark's name on the command line.</param>
/// <param name="Summary">The text of <c>--list</c>.</param>
/// <param name="RunAsync">Runs the benchmark.</param>
internal sealed record Benchmark(string Name, string Summary, Func<BenchContext, Task<Section>> RunAsync);
