using FinanceIngest.Detection;
using FinanceIngest.DetectionBench.Data;

namespace FinanceIngest.DetectionBench.Detectors;

/// <summary>
/// Half-space trees (Tan, Ting and Liu 2011): random trees that halve a box of features; the fewer of the last window's rows share a row's box, the
/// stranger it is.
/// The features are the deviations from the user's running mean of log amounts and the deviations from everybody's.
/// </summary>
internal sealed class HalfSpaceTrees : IRunningDetector
{
    private const int Trees = 25;
    private const int Depth = 15;
    private const int Window = 1000;
    private const int Features = 2;
    private const double Half = 8;
    private readonly Dictionary<(long User, long Category), (int Count, double Mean, double Squares)> _own = [];
    private readonly Dictionary<long, (int Count, double Mean, double Squares)> _all = [];
    private readonly (int Feature, double Split)[][] _splits;
    private readonly Dictionary<int, int>[] _reference = NewCounts();
    private readonly Dictionary<int, int>[] _latest = NewCounts();
    private int _seen;

    public HalfSpaceTrees(int seed)
    {
        var random = new Random(seed);
        _splits = [.. Enumerable.Range(0, Trees).Select(_ => Tree(random))];
    }

    public Verdict Next(in Payment row)
    {
        double log = Math.Log(Math.Max(Math.Abs(row.Amount), 0.01));
        (int Count, double Mean, double Squares) own = _own.GetValueOrDefault((row.User, row.Category));
        (int Count, double Mean, double Squares) all = _all.GetValueOrDefault(row.Category);
        ReadOnlySpan<double> point = [Deviations(log, own), Deviations(log, all)];
        double mass = 0;
        for (int tree = 0; tree < Trees; tree++)
        {
            mass += Visit(tree, point);
        }

        _own[(row.User, row.Category)] = With(own, log);
        _all[row.Category] = With(all, log);
        if (++_seen % Window == 0)
        {
            for (int tree = 0; tree < Trees; tree++)
            {
                (_reference[tree], _latest[tree]) = (_latest[tree], _reference[tree]);
                _latest[tree].Clear();
            }
        }

        // Only upwards, as for the others.
        double score = point[0] > 0 ? -mass : double.MinValue;
        return new Verdict(score, SpecialFunctions.NormalUpperTail(point[0]), false, own.Count);
    }

    private static Dictionary<int, int>[] NewCounts() => [.. Enumerable.Range(0, Trees).Select(_ => new Dictionary<int, int>())];

    // A tree's nodes in the order of a heap, of which a row visits one on each level.
    private static (int, double)[] Tree(Random random)
    {
        (int Feature, double Split)[] tree = new (int, double)[1 << Depth];
        Fill(1, [-Half, -Half], [Half, Half]);
        return tree;

        void Fill(int node, double[] low, double[] high)
        {
            if (node >= tree.Length)
            {
                return;
            }

            int feature = random.Next(Features);
            double split = (low[feature] + high[feature]) / 2 * (0.8 + (0.4 * random.NextDouble()));
            tree[node] = (feature, split);
            double[] upper = [.. low], lower = [.. high];
            lower[feature] = split;
            upper[feature] = split;
            Fill(2 * node, low, lower);
            Fill((2 * node) + 1, upper, high);
        }
    }

    private double Visit(int tree, ReadOnlySpan<double> point)
    {
        const int fewest = 25;
        int node = 1;
        for (int level = 0; ; level++)
        {
            int count = _reference[tree].GetValueOrDefault(node);
            _latest[tree][node] = _latest[tree].GetValueOrDefault(node) + 1;
            if (level == Depth - 1 || count < fewest)
            {
                return count * Math.Pow(2, level);
            }

            (int feature, double split) = _splits[tree][node];
            node = (2 * node) + (point[feature] < split ? 0 : 1);
        }
    }

    private static double Deviations(double value, (int Count, double Mean, double Squares) known) =>
        known.Count < 2 ? 0 : Math.Clamp((value - known.Mean) / Math.Sqrt((known.Squares / known.Count) + 1e-4), -Half, Half);

    private static (int, double, double) With((int Count, double Mean, double Squares) known, double value)
    {
        double apart = value - known.Mean;
        double mean = known.Mean + (apart / (known.Count + 1));
        return (known.Count + 1, mean, known.Squares + (apart * (value - mean)));
    }
}
