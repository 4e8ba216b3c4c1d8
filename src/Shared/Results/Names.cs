namespace FinanceIngest.Results;

/// <summary>The names of statuses and reasons in tables and JSON.</summary>
public static class Names
{
    /// <summary>The status before there is a row.</summary>
    public const string Pending = "pending";

    /// <summary>The status of an id that was never issued, in bulk answers.</summary>
    public const string Unknown = "unknown";

    /// <summary>Name of a status.</summary>
    public static string Of(TransactionStatus status) => status switch
    {
        TransactionStatus.Scored => "scored",
        TransactionStatus.Failed => "failed",
        _ => "purged",
    };

    /// <summary>Name of a reason.</summary>
    internal static string Of(ScoreReason reason) => reason switch
    {
        ScoreReason.Scored => "scored",
        ScoreReason.NoBaseline => "no_baseline",
        ScoreReason.InsufficientSamples => "insufficient_samples",
        _ => "zero_variance",
    };

    /// <summary>The status of a name in a table.</summary>
    public static TransactionStatus ToStatus(string name) => name switch
    {
        "scored" => TransactionStatus.Scored,
        "failed" => TransactionStatus.Failed,
        _ => throw new FormatException($"'{name}' is not a status."),
    };

    /// <summary>The reason of a name in a table.</summary>
    internal static ScoreReason ToReason(string name) => name switch
    {
        "scored" => ScoreReason.Scored,
        "no_baseline" => ScoreReason.NoBaseline,
        "insufficient_samples" => ScoreReason.InsufficientSamples,
        "zero_variance" => ScoreReason.ZeroVariance,
        _ => throw new FormatException($"'{name}' is not a reason."),
    };
}
