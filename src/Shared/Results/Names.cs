using FinanceIngest.Preferences;

namespace FinanceIngest.Results;

/// <summary>The names that statuses and reasons have in tables and in JSON.</summary>
public static class Names
{
    /// <summary>The status of an issued id that has no row yet.</summary>
    public const string Pending = "pending";

    /// <summary>The status of an id that was never issued, in bulk answers.</summary>
    public const string Unknown = "unknown";

    /// <summary>The name of a status.</summary>
    public static string Of(TransactionStatus status) => status switch
    {
        TransactionStatus.Scored => "scored",
        TransactionStatus.Failed => "failed",
        _ => "purged",
    };

    /// <summary>The name of a reason.</summary>
    internal static string Of(ScoreReason reason) => reason switch
    {
        ScoreReason.Scored => "scored",
        ScoreReason.NoBaseline => "no_baseline",
        ScoreReason.InsufficientSamples => "insufficient_samples",
        _ => "zero_variance",
    };

    /// <summary>The name of what became of an alert.</summary>
    internal static string Of(AlertState state) => state switch
    {
        AlertState.Queued => "queued",
        AlertState.Sent => "sent",
        _ => "suppressed",
    };

    /// <summary>The name of a reason for which there is no alert.</summary>
    internal static string Of(AlertSuppression suppression) => suppression switch
    {
        AlertSuppression.Sensitivity => "sensitivity",
        AlertSuppression.Snooze => "snooze",
        AlertSuppression.MinimumAmount => "minimum_amount",
        _ => "history",
    };

    /// <summary>The reason for which there is no alert that a name in a table means.</summary>
    /// <exception cref="FormatException">The name is no such reason.</exception>
    internal static AlertSuppression ToSuppression(string name) => name switch
    {
        "sensitivity" => AlertSuppression.Sensitivity,
        "snooze" => AlertSuppression.Snooze,
        "minimum_amount" => AlertSuppression.MinimumAmount,
        "history" => AlertSuppression.History,
        _ => throw new FormatException($"'{name}' is no reason against an alert."),
    };

    /// <summary>The status that a name in a table means.</summary>
    /// <exception cref="FormatException">The name is not a status.</exception>
    public static TransactionStatus ToStatus(string name) => name switch
    {
        "scored" => TransactionStatus.Scored,
        "failed" => TransactionStatus.Failed,
        _ => throw new FormatException($"'{name}' is not a status."),
    };

    /// <summary>The reason that a name in a table means.</summary>
    /// <exception cref="FormatException">The name is not a reason.</exception>
    internal static ScoreReason ToReason(string name) => name switch
    {
        "scored" => ScoreReason.Scored,
        "no_baseline" => ScoreReason.NoBaseline,
        "insufficient_samples" => ScoreReason.InsufficientSamples,
        "zero_variance" => ScoreReason.ZeroVariance,
        _ => throw new FormatException($"'{name}' is not a reason."),
    };
}
