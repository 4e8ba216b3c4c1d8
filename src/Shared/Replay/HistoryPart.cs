namespace FinanceIngest.Replay;

/// <summary>A part of the history: so many row ids, and the rows among them that are wanted.</summary>
/// <param name="After">The part begins behind this row id.</param>
/// <param name="Last">It ends with this row id at the latest.</param>
/// <param name="Ids">Row ids that it has at most, ≥ 1, whether or not their rows are wanted: no statement looks through more.</param>
public readonly record struct HistoryPart(long After, long Last, int Ids)
{
    /// <summary>The rows of this user; null: of all users.</summary>
    public long? UserId { get; init; }

    /// <summary>The rows that occurred at or after this instant, UTC; null: from the first one on.</summary>
    public DateTime? From { get; init; }

    /// <summary>The rows that occurred before this instant, UTC; null: up to the last one.</summary>
    public DateTime? To { get; init; }
}

/// <summary>The rows of a part of the history.</summary>
/// <param name="Rows">The rows, in the order of their row ids.</param>
/// <param name="End">The last row id of the part, behind which the next part begins.</param>
public sealed record HistoryPage<T>(IReadOnlyList<T> Rows, long End);
