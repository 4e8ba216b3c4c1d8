using System.Diagnostics;
using System.Globalization;
using FinanceIngest.Bench.Reporting;

namespace FinanceIngest.Bench;

/// <summary>What a benchmark is given.</summary>
/// <param name="Options">From the command line.</param>
/// <param name="Folder">The benchmark's own.</param>
internal sealed record BenchContext(BenchOptions Options, BenchFolder Folder, CancellationToken CancellationToken)
{
    // The runtime recompiles hot methods on the same cores for the first tens of seconds.
    private const int WarmUpRounds = 2;

    /// <summary>Rounds that count; those before only warm up.</summary>
    public int Runs => Options.Runs;

    /// <summary>A number of transactions, as given on the command line or, unless it is, the issue's.</summary>
    public int Size(int standard) => Options.Size ?? standard;

    /// <summary>Progress, for whoever waits.</summary>
    public static void Say(string text) => Console.Error.WriteLine($"{DateTime.UtcNow.ToString("HH:mm:ss", CultureInfo.InvariantCulture)} {text}");

    /// <summary>
    /// Runs all contenders in turns, A B A B …, first to warm up, then <see cref="Runs"/> rounds that count, and returns one series for each.
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
                    $"  {(round <= 0 ? "warm-up" : $"round {round}")}: {contenders[i].Name}: {value:N2} {contenders[i].Unit} ({Stopwatch.GetElapsedTime(start).TotalSeconds:F1} s)"));
                if (round > 0)
                {
                    values[i].Add(value);
                }
            }
        }

        return [.. contenders.Zip(values, (contender, found) => new Series(contender.Name, contender.Unit, found))];
    }
}

/// <summary>One of those that take turns.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Unit">Of what it returns.</param>
/// <param name="RunAsync">One round; the argument says whether it is only to warm up and may be smaller.</param>
internal sealed record Contender(string Name, string Unit, Func<bool, Task<double>> RunAsync);

/// <summary>One benchmark.</summary>
/// <param name="Name">On the command line.</param>
/// <param name="Summary">For <c>--list</c>.</param>
/// <param name="RunAsync">Runs it.</param>
internal sealed record Benchmark(string Name, string Summary, Func<BenchContext, Task<Section>> RunAsync);
