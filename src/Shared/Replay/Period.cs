namespace FinanceIngest.Replay;

/// <summary>A period, by the times at which transactions occurred.</summary>
/// <param name="From">It begins at this instant, UTC; null: with the first row.</param>
/// <param name="To">It ends before this instant, UTC; null: with the last row.</param>
public readonly record struct Period(DateTime? From, DateTime? To);
