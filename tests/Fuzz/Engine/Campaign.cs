using System.Diagnostics;
using System.Globalization;

namespace FinanceIngest.Fuzz.Engine;

/// <summary>The result of a run against one target.</summary>
/// <param name="Target">The target.</param>
/// <param name="Executions">The number of inputs that were run.</param>
/// <param name="Seconds">The duration of the run.</param>
/// <param name="Known">The number of inputs at the start.</param>
/// <param name="Kept">The number of new inputs that behaved differently from all inputs before them.</param>
/// <param name="Outcomes">The number of different outcomes.</param>
/// <param name="Edges">The number of branches taken; 0 when nothing is instrumented.</param>
/// <param name="Failed">Whether an input broke a property.</param>
internal sealed record CampaignResult(FuzzTarget Target, long Executions, double Seconds, int Known, int Kept, int Outcomes, int Edges, bool Failed);

/// <summary>
/// Runs mutated inputs until the time is over or an input breaks a property. Inputs that behave differently from all inputs before them are mutated further.
/// </summary>
internal sealed class Campaign(FuzzTarget target, Options options, Coverage? coverage)
{
    // A target that keeps more inputs than this has outcomes that are too detailed.
    private const int MostKept = 20_000;

    private readonly List<byte[]> _corpus = [];
    private readonly HashSet<string> _outcomes = [];
    private readonly Random _random = new(HashCode(target.Name, options.Seed));

    /// <summary>Returns the command that runs an input again.</summary>
    public static string Replay(FuzzTarget target, string path) => $"Again: dotnet run --project tests/Fuzz -- --target {target.Name} --replay {path}";

    /// <summary>Runs the campaign.</summary>
    public CampaignResult Run(TimeSpan time)
    {
        using var watchdog = new Watchdog(Options.Findings, target);
        long startedAt = Stopwatch.GetTimestamp();
        long executions = 0;
        IReadOnlyList<(string Name, byte[] Bytes)> more = options.Corpus is null ? [] : CorpusFolder.Read(options.Corpus, target);
        byte[][] known = [.. CorpusFolder.Read(CorpusFolder.BuiltIn, target).Concat(more).Select(file => file.Bytes)];
        if (known.Length == 0)
        {
            known = [[]];
        }

        bool failed = false;
        foreach (byte[] input in known)
        {
            executions++;
            failed |= !Read(input, watchdog, out _);
            _corpus.Add(input);
        }

        int kept = 0;
        var mutator = new Mutator(_random, target.Tokens, target.LongestInput);
        while (!failed && Stopwatch.GetElapsedTime(startedAt) < time && executions < options.Executions)
        {
            byte[] input = mutator.Mutate(Pick(), Pick());
            executions++;
            failed = !Read(input, watchdog, out bool news);
            if (news && !failed && _corpus.Count < MostKept)
            {
                kept++;
                _corpus.Add(input);
                if (options.Corpus is not null)
                {
                    CorpusFolder.Add(options.Corpus, target, input);
                }
            }
        }

        double seconds = Stopwatch.GetElapsedTime(startedAt).TotalSeconds;
        return new CampaignResult(target, executions, seconds, known.Length, kept, _outcomes.Count, coverage?.Edges ?? 0, failed);
    }

    // The newest inputs are mutated most, because they lead to code that was not reached before.
    private byte[] Pick()
    {
        int recent = Math.Min(_corpus.Count, 50);
        return _random.Next(2) == 0 ? _corpus[^_random.Next(1, recent + 1)] : _corpus[_random.Next(_corpus.Count)];
    }

    private bool Read(byte[] input, Watchdog watchdog, out bool news)
    {
        watchdog.Begin(input);
        coverage?.Begin();
        Execution execution = Execution.Of(target, input);
        news = coverage?.HasNews() ?? false;
        watchdog.End();
        if (execution.Failure is not null)
        {
            Report(input, execution);
            return false;
        }

        news |= _outcomes.Add(execution.Outcome!);
        return true;
    }

    private void Report(byte[] input, Execution execution)
    {
        byte[] smallest = Minimiser.Minimise(target, input, execution.Fault);
        string path = CorpusFolder.Add(Options.Findings, target, smallest);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"FAILED {target.Name} (seed {options.Seed}): {Execution.Of(target, smallest).Failure ?? execution.Failure}\n"
                + $"{smallest.Length} bytes, from {input.Length}: {Replay(target, path)}"));
    }

    // string.GetHashCode returns different values in different processes.
    private static int HashCode(string name, int seed) => name.Aggregate(seed, (hash, c) => unchecked((hash * 31) + c));
}
