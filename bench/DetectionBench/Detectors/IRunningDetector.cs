using FinanceIngest.DetectionBench.Data;

namespace FinanceIngest.DetectionBench.Detectors;

/// <summary>What a detector says of a row.</summary>
/// <param name="Score">Higher is worse.</param>
/// <param name="Surprise">Probability of an amount that high, 0 … 1.</param>
/// <param name="IsAlert">Whether somebody would be told.</param>
/// <param name="Known">Rows of this user and category before it.</param>
internal readonly record struct Verdict(double Score, double Surprise, bool IsAlert, int Known);

/// <summary>A detector that reads rows in order of time, and no label.</summary>
internal interface IRunningDetector
{
    /// <summary>Judges a row by those before it, and learns from it.</summary>
    Verdict Next(in Payment row);
}
