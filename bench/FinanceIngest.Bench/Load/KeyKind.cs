namespace FinanceIngest.Bench.Load;

/// <summary>What the id of a transaction derives from.</summary>
internal enum KeyKind
{
    /// <summary>No idempotency key: the intake makes an id in order of time.</summary>
    None,

    /// <summary>A key in the form of a UUID of version 7, as the project's clients make them; it lends the id its time.</summary>
    Version7,

    /// <summary>A random key, whose id falls anywhere into the index.</summary>
    Random,
}
