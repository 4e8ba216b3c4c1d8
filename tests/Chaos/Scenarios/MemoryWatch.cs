using System.Globalization;
using FinanceIngest.Chaos.Processes;

namespace FinanceIngest.Chaos.Scenarios;

/// <summary>Whether a process's memory is flat while something goes on: not only below a limit, which a leak reaches only after a while.</summary>
internal sealed class MemoryWatch(ServiceProcess process)
{
    // What a quarter of the time may differ from an earlier one in megabytes: a collection that comes earlier or later, arrays that stay in a pool.
    private const double Noise = 24;
    private const int FewestSamples = 20;

    private static readonly TimeSpan s_every = TimeSpan.FromMilliseconds(250);
    private readonly List<long> _megabytes = [];

    /// <summary>Looks four times a second until the end.</summary>
    public async Task RunAsync(CancellationToken end)
    {
        while (!end.IsCancellationRequested)
        {
            _megabytes.Add(ProcessFigures.Of(process).Megabytes);
            await Task.Delay(s_every, end).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>
    /// Compares the medians of the quarters but the first, in which the process still grows into its work. Flat: no later quarter's lies above the second's by
    /// more than a tenth and the noise.
    /// </summary>
    public (bool IsFlat, string Report) Compare()
    {
        if (_megabytes.Count < FewestSamples)
        {
            return (false, $"{_megabytes.Count} samples are too few to compare");
        }

        double[] medians = [.. Enumerable.Range(0, 4).Select(quarter => Median(_megabytes.Skip(quarter * _megabytes.Count / 4).Take(_megabytes.Count / 4)))];
        double allowed = (medians[1] * 1.1) + Noise;
        string quarters = string.Join(", ", medians.Select(median => median.ToString("F0", CultureInfo.InvariantCulture)));
        string report = string.Create(CultureInfo.InvariantCulture, $"medians of the quarters {quarters} MB in {_megabytes.Count} samples");
        return (medians[2] <= allowed && medians[3] <= allowed, report);
    }

    private static double Median(IEnumerable<long> values)
    {
        long[] ordered = [.. values.Order()];
        return (ordered[(ordered.Length - 1) / 2] + ordered[ordered.Length / 2]) / 2.0;
    }
}
