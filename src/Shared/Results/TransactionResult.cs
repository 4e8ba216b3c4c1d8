using FinanceIngest.Baselines;
using FinanceIngest.Detection;
using FinanceIngest.Preferences;
using FinanceIngest.Transactions;

namespace FinanceIngest.Results;

/// <summary>What became of a transaction.</summary>
public enum TransactionStatus
{
    /// <summary>The transaction was scored, with or without a z-score.</summary>
    Scored,

    /// <summary>The transaction could not be scored; its error says why.</summary>
    Failed,

    /// <summary>The transaction's row was removed by retention or erasure.</summary>
    Purged,
}

/// <summary>How a score came about.</summary>
internal enum ScoreReason
{
    /// <summary>There is a z-score.</summary>
    Scored,

    /// <summary>There is no baseline for this user and category.</summary>
    NoBaseline,

    /// <summary>The baseline rests on fewer samples than the minimum.</summary>
    InsufficientSamples,

    /// <summary>All samples were alike, so the standard deviation is zero and there is no z-score.</summary>
    ZeroVariance,
}

/// <summary>A row of <c>anomaly_transactions</c>. A failed transaction has only the fields that could be read.</summary>
internal sealed record TransactionResult
{
    /// <summary>The transaction's id.</summary>
    public required Guid Id { get; init; }

    /// <summary>The transaction's status. With <see cref="TransactionStatus.Purged"/> nothing but the id is left.</summary>
    public required TransactionStatus Status { get; init; }

    /// <summary>The user, 1 … 2^63−1.</summary>
    public long? UserId { get; init; }

    /// <summary>The category, 1 … 2^63−1.</summary>
    public long? CategoryId { get; init; }

    /// <summary>The amount.</summary>
    public Money? Amount { get; init; }

    /// <summary>The z-score, (amount − mean) / std_dev in IEEE double; null unless the reason is <see cref="ScoreReason.Scored"/>.</summary>
    public double? ZScore { get; init; }

    /// <summary>Whether the detector calls it an anomaly.</summary>
    public bool IsAnomaly { get; init; }

    /// <summary>How the score came about; null for a failed transaction.</summary>
    public ScoreReason? Reason { get; init; }

    /// <summary>The baseline against which the amount was scored; null where there was none.</summary>
    public Baseline? Baseline { get; init; }

    /// <summary>What a detector that learns says of it; null where none decided.</summary>
    public Detected? Detected { get; init; }

    /// <summary>What that detector says in one sentence; null where there is none, or no words are set.</summary>
    public string? Explanation => Detected?.Explain(CategoryId ?? 0, Amount?.ToDouble() ?? 0);

    /// <summary>The result, with the words in which its detector's judgement is told.</summary>
    public TransactionResult In(Wording wording) => Detected is { } detected ? this with { Detected = detected with { Wording = wording } } : this;

    /// <summary>What the row adds to the states of its user and category at present; null: nothing.</summary>
    public Contribution? Contribution { get; init; }

    /// <summary>What the shadow detectors say, as the JSON object of the API; null where there are none.</summary>
    public string? Shadow { get; init; }

    /// <summary>
    /// The lowest level of sensitivity at which the transaction is unusual enough for an alert; null: at none. It is not kept with the row.
    /// </summary>
    public AlertLevel? AlertsFrom { get; init; }

    /// <summary>What became of the alert; null: the transaction led to none, and is no anomaly.</summary>
    public AlertState? Alert { get; init; }

    /// <summary>Why an anomaly led to no alert; null: it led to one, or there is no anomaly.</summary>
    public AlertSuppression? SuppressedBy { get; init; }

    /// <summary>What somebody said of the transaction; null: nothing.</summary>
    public FeedbackVerdict? Verdict { get; init; }

    /// <summary>The transaction that is withdrawn when this result becomes a row; null: none. It is not kept with the row.</summary>
    public Guid? Replaces { get; init; }

    /// <summary>Why the transaction failed; null for one that was scored.</summary>
    public string? Error { get; init; }

    /// <summary>When the transaction occurred. UTC, whole microseconds.</summary>
    public DateTime? OccurredAt { get; init; }

    /// <summary>When the intake accepted the transaction. UTC, whole microseconds.</summary>
    public DateTime? AcceptedAt { get; init; }

    /// <summary>When the transaction was scored, or given up as failed. UTC, whole microseconds.</summary>
    public DateTime? ScoredAt { get; init; }
}
