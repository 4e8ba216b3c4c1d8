using FinanceIngest.Detection;
using FinanceIngest.DetectionBench.Data;

namespace FinanceIngest.DetectionBench.Detectors;

/// <summary>The worker's own learning detector.</summary>
internal sealed class AdaptiveRunning(AdaptiveSettings settings, double alertsPerUserMonth) : IRunningDetector
{
    /// <summary>The run.</summary>
    public DetectionRun Run { get; } = new(new AdaptiveDetector(settings), settings, alertsPerUserMonth);

    /// <summary>What was made of the last row.</summary>
    public Judgement Last { get; private set; }

    public Verdict Next(in Payment row)
    {
        Last = Run.Next(row.User, row.Category, new Sighting(row.Amount, row.At), out bool isAnomaly);
        return new Verdict(Last.Odds, Last.Surprise, isAnomaly, Last.Usual.Count);
    }
}
