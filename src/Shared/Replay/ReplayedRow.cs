namespace FinanceIngest.Replay;

/// <summary>A row as another detector, or the same one with other settings, would have scored it.</summary>
/// <param name="Row">The row as it is stored.</param>
/// <param name="IsAnomaly">Whether it would be an anomaly.</param>
/// <param name="Score">The odds of a detector that learns, or the z-score; null: there is none.</param>
/// <param name="Surprise">How often this user's spending in this category is that high, 0 … 1; null: the detector does not say, or nothing was known.</param>
/// <param name="Explanation">The sentence for the person whose money it is; null: there is none, or none was wanted.</param>
public readonly record struct ReplayedRow(HistoryRow Row, bool IsAnomaly, double? Score, double? Surprise, string? Explanation);
