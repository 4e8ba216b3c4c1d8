using FinanceIngest.Configuration;

namespace FinanceIngest.Replay;

/// <summary>How a history is scored again.</summary>
/// <param name="Detector">One of <see cref="DetectorNames"/>.</param>
/// <param name="Period">The rows that are judged. A detector that learns also learns from the rows before them, which are not counted.</param>
/// <param name="AlertsPerUserMonth">The budget of a detector that learns, in alerts of a user in a month; &gt; 0.</param>
/// <param name="WithWords">Whether each row gets its sentence, which takes longer than its score.</param>
public sealed record ReplayWish(string Detector, Period Period, double AlertsPerUserMonth, bool WithWords);
