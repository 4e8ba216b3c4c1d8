namespace FinanceIngest.Results;

/// <summary>The rule by which a repeated transaction differs from the row that its id already has.</summary>
internal static class RepeatRule
{
    /// <summary>Differing repeats of one id that are kept. Those beyond are counted on the newest that is kept.</summary>
    public const int MostKept = 100;

    /// <summary>
    /// Whether the repeat differs from the row. An <c>occurred_at</c> that the client did not give is the time of acceptance, which differs between requests,
    /// so it is not compared.
    /// </summary>
    public static bool Differs(TransactionResult row, TransactionResult repeat) =>
        row.UserId != repeat.UserId || row.CategoryId != repeat.CategoryId || row.Amount != repeat.Amount
        || (WasGiven(row) && WasGiven(repeat) && row.OccurredAt != repeat.OccurredAt);

    private static bool WasGiven(TransactionResult result) => result.OccurredAt is not null && result.OccurredAt != result.AcceptedAt;
}
