using FinanceIngest.Baselines;
using FinanceIngest.Transactions;

namespace FinanceIngest.Results;

/// <summary>What became of a transaction.</summary>
public enum TransactionStatus
{
    /// <summary>Scored, with or without a z-score.</summary>
    Scored,

    /// <summary>It could not be scored; the error says why.</summary>
    Failed,

    /// <summary>Its row was removed by retention or erasure.</summary>
    Purged,
}

/// <summary>How a score came about.</summary>
internal enum ScoreReason
{
    /// <summary>There is a z-score.</summary>
    Scored,

    /// <summary>No baseline for this user and category.</summary>
    NoBaseline,

    /// <summary>The baseline rests on fewer samples than the minimum.</summary>
    InsufficientSamples,

    /// <summary>All samples were alike: nothing can be measured against a standard deviation of zero.</summary>
    ZeroVariance,
}

/// <summary>A row of <c>anomaly_transactions</c>. Of a failed transaction only what could be read is there.</summary>
internal sealed record TransactionResult
{
    /// <summary>The transaction's id.</summary>
    public required Guid Id { get; init; }

    /// <summary>Scored or failed; <see cref="TransactionStatus.Purged"/> leaves nothing but the id.</summary>
    public required TransactionStatus Status { get; init; }

    /// <summary>1 … 2^63−1.</summary>
    public long? UserId { get; init; }

    /// <summary>1 … 2^63−1.</summary>
    public long? CategoryId { get; init; }

    /// <summary>The amount.</summary>
    public Money? Amount { get; init; }

    /// <summary>(amount − mean) / std_dev in IEEE double; null unless the reason is <see cref="ScoreReason.Scored"/>.</summary>
    public double? ZScore { get; init; }

    /// <summary>|z| was greater than the threshold.</summary>
    public bool IsAnomaly { get; init; }

    /// <summary>How the score came about; null for a failed transaction.</summary>
    public ScoreReason? Reason { get; init; }

    /// <summary>The baseline used; null where there was none.</summary>
    public Baseline? Baseline { get; init; }

    /// <summary>Why it failed.</summary>
    public string? Error { get; init; }

    /// <summary>UTC, whole microseconds.</summary>
    public DateTime? OccurredAt { get; init; }

    /// <summary>UTC, whole microseconds.</summary>
    public DateTime? AcceptedAt { get; init; }

    /// <summary>When it was scored, or failed. UTC, whole microseconds.</summary>
    public DateTime? ScoredAt { get; init; }
}
