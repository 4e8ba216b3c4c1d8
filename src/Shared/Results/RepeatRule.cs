namespace FinanceIngest.Results;

/// <summary>When a repeat of an id differs from the row that was first.</summary>
internal static class RepeatRule
{
    /// <summary>
    /// Whether the repeat says something else. An <c>occurred_at</c> that was filled in with the time of acceptance differs from request to
    /// request and says nothing.
    /// </summary>
    public static bool Differs(TransactionResult row, TransactionResult repeat) =>
        row.UserId != repeat.UserId || row.CategoryId != repeat.CategoryId || row.Amount != repeat.Amount
        || (WasGiven(row) && WasGiven(repeat) && row.OccurredAt != repeat.OccurredAt);

    private static bool WasGiven(TransactionResult result) => result.OccurredAt is not null && result.OccurredAt != result.AcceptedAt;
}
