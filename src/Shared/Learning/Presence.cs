namespace FinanceIngest.Learning;

/// <summary>What there is of an id before a batch is written.</summary>
internal enum Presence
{
    /// <summary>A row that was scored: another one with the id is a repeat.</summary>
    Scored,

    /// <summary>A row that failed: one that is scored takes its place.</summary>
    Failed,

    /// <summary>A tombstone: no row with the id comes any more.</summary>
    Buried,
}
