namespace FinanceIngest.Results;

/// <summary>What became of a transaction's alert.</summary>
internal enum AlertState
{
    /// <summary>It is to be sent.</summary>
    Queued,

    /// <summary>It was sent.</summary>
    Sent,

    /// <summary>There is none, because of a preference, or because the transaction is part of a history.</summary>
    Suppressed,
}
