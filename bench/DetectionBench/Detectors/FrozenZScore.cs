using FinanceIngest.Detection;
using FinanceIngest.DetectionBench.Data;

namespace FinanceIngest.DetectionBench.Detectors;

/// <summary>
/// The product's default: a z-score against a baseline that is put in from outside, here made from the first days and never renewed. A user and
/// category without
/// one, or with one without variance, has no score.
/// </summary>
/// <param name="learningDays">Days from the first row on.</param>
/// <param name="threshold">An alert is a |z| above it.</param>
internal sealed class FrozenZScore(double learningDays, double threshold) : IRunningDetector
{
    private const int FewestRows = 2;
    private readonly Dictionary<(long User, long Category), (int Count, double Mean, double Squares)> _baselines = [];
    private DateTime? _began;

    public Verdict Next(in Payment row)
    {
        _began ??= row.At.Date;
        (long, long) key = (row.User, row.Category);
        (int count, double mean, double squares) = _baselines.GetValueOrDefault(key);
        double deviation = count < FewestRows ? 0 : Math.Sqrt(squares / count);
        double z = deviation > 0 ? (row.Amount - mean) / deviation : 0;
        if ((row.At - _began.Value).TotalDays < learningDays)
        {
            double apart = row.Amount - mean;
            mean += apart / (count + 1);
            _baselines[key] = (count + 1, mean, squares + (apart * (row.Amount - mean)));
        }

        return new Verdict(z, SpecialFunctions.NormalUpperTail(z), Math.Abs(z) > threshold, count);
    }
}
