using FinanceIngest.DetectionBench.Data;
using FinanceIngest.DetectionBench.Detectors;

namespace FinanceIngest.DetectionBench.Measuring;

/// <summary>What a detector found, judged after the days of learning. Rows of compromised terminals (label 2), whose amounts are like any other, are
/// left out.</summary>
internal sealed class Measures
{
    /// <summary>Days of a month.</summary>
    public const double MonthDays = 30.4;

    private const int TerminalLabel = 2;
    private readonly (Payment Row, Verdict Verdict)[] _ranked;
    private readonly double _bad;

    public Measures(Payment[] rows, Verdict[] verdicts)
    {
        DateTime from = rows[0].At.Date.AddDays(AllDetectors.LearningDays);
        _ranked =
        [
            .. rows.Zip(verdicts).Where(pair => pair.First.At >= from && pair.First.Label != TerminalLabel)
                .OrderByDescending(pair => pair.Second.Score),
        ];
        _bad = Math.Max(_ranked.Count(pair => pair.Row.IsBad), 1);
        Months = (rows[^1].At - from).TotalDays / MonthDays;
        Users = _ranked.Select(pair => pair.Row.User).Distinct().Count();
        Alerts = _ranked.Count(pair => pair.Verdict.IsAlert);
        FalseAlerts = _ranked.Count(pair => pair.Verdict.IsAlert && !pair.Row.IsBad);
        BadAlerts = Alerts - FalseAlerts;
    }

    public double Months { get; }

    public int Users { get; }

    public int Alerts { get; }

    public int FalseAlerts { get; }

    public int BadAlerts { get; }

    /// <summary>Alerts in a month of one user.</summary>
    public double AlertsPerUserMonth => Alerts / (Months * Users);

    /// <summary>Share of the bad rows that were alerted.</summary>
    public double Found => BadAlerts / _bad;

    /// <summary>Returns the average precision; rows of one score count together.</summary>
    public double AveragePrecision()
    {
        double found = 0, sum = 0;
        for (int i = 0; i < _ranked.Length;)
        {
            double before = found;
            double score = _ranked[i].Verdict.Score;
            for (; i < _ranked.Length && _ranked[i].Verdict.Score.Equals(score); i++)
            {
                found += _ranked[i].Row.IsBad ? 1 : 0;
            }

            sum += (found - before) * found / i;
        }

        return sum / _bad;
    }

    /// <summary>Returns the share of bad rows among the highest, so many that the budget is spent.</summary>
    public double RecallAt(double alertsPerUserMonth) => _ranked.Take((int)(Users * Months * alertsPerUserMonth)).Count(pair => pair.Row.IsBad) / _bad;

    /// <summary>Returns points of recall and precision.</summary>
    public IEnumerable<(double X, double Y)> Curve()
    {
        double found = 0;
        for (int i = 0; i < _ranked.Length && found < _bad; i++)
        {
            if (_ranked[i].Row.IsBad)
            {
                found++;
                yield return (found / _bad, found / (i + 1));
            }
        }
    }
}
