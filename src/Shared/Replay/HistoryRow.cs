namespace FinanceIngest.Replay;

/// <summary>A row that was scored, as far as a detector that scores it again needs it.</summary>
/// <param name="RowId">Its place among the rows.</param>
/// <param name="Id">The transaction's id.</param>
/// <param name="UserId">The user.</param>
/// <param name="CategoryId">The category.</param>
/// <param name="Amount">The amount, with at most four decimals.</param>
/// <param name="OccurredAt">UTC.</param>
/// <param name="IsAnomaly">Whether the detector that decided then called it an anomaly.</param>
public readonly record struct HistoryRow(
    long RowId, Guid Id, long UserId, long CategoryId, decimal Amount, DateTime OccurredAt, bool IsAnomaly);
