using FinanceIngest.Results;

namespace FinanceIngest.Scoring;

/// <summary>A batch for a detector that learns: what it has to know, and how it is scored once that is known.</summary>
/// <param name="Wanted">What has to be known.</param>
/// <param name="Score">
/// Scores the transactions of these users, or of all where there is no set, against what is known. It keeps nothing, so that a store may call it again with
/// what is known by then; messages that can't be read belong to the call for all users.
/// </param>
internal sealed record LearningWork(Wanted Wanted, Func<Known, IReadOnlySet<long>?, ScoredBatch> Score)
{
    /// <inheritdoc cref="ScoredBatch.MayCommit"/>
    public Func<bool>? MayCommit { get; init; }
}

/// <summary>What a store wrote of a batch.</summary>
/// <param name="Counts">What the writes changed.</param>
/// <param name="Results">The results as they were written in the end.</param>
/// <param name="MayHaveUnsentAlerts">Whether any of them has an alert.</param>
/// <param name="ModelVersion">The version of the newest model in the database; 0: none was made yet.</param>
internal sealed record LearnedRows(
    WriteCounts Counts, IReadOnlyList<TransactionResult> Results, bool MayHaveUnsentAlerts, int ModelVersion);
