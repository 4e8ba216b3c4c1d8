using FinanceIngest.Detection;
using FinanceIngest.DetectionBench.Data;

namespace FinanceIngest.DetectionBench.Detectors;

/// <summary>Deviations from the median of a user's last amounts in the category, in units of their median absolute deviation (Hampel 1974).</summary>
internal sealed class RunningMedian : IRunningDetector
{
    private const int Kept = 64;

    // Makes the median absolute deviation of a normal distribution its deviation.
    private const double Consistency = 1.4826;
    private readonly Dictionary<(long User, long Category), Queue<double>> _amounts = [];

    public Verdict Next(in Payment row)
    {
        if (!_amounts.TryGetValue((row.User, row.Category), out Queue<double>? kept))
        {
            _amounts.Add((row.User, row.Category), kept = new Queue<double>(Kept));
        }

        int count = kept.Count;
        double score = 0;
        if (count > 2)
        {
            double[] sorted = [.. kept.Order()];
            double median = Middle(sorted);
            double[] apart = [.. sorted.Select(value => Math.Abs(value - median)).Order()];
            score = (row.Amount - median) / Math.Max(Consistency * Middle(apart), 0.02 * Math.Max(Math.Abs(median), 1));
        }

        if (count == Kept)
        {
            kept.Dequeue();
        }

        kept.Enqueue(row.Amount);
        return new Verdict(score, SpecialFunctions.NormalUpperTail(score), Math.Abs(score) > 3, count);
    }

    private static double Middle(double[] sorted) => (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
}
