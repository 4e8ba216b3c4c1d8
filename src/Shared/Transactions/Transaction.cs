namespace FinanceIngest.Transactions;

/// <summary>An accepted transaction, as it travels on the inbound queue and is scored.</summary>
/// <param name="Id">A certified id, see <see cref="IdCertifier"/>.</param>
/// <param name="UserId">1 … 2^63−1.</param>
/// <param name="CategoryId">1 … 2^63−1.</param>
/// <param name="Amount">May be zero or negative.</param>
/// <param name="OccurredAt">UTC, whole microseconds; equal to <paramref name="AcceptedAt"/> when the producer gave no time.</param>
/// <param name="AcceptedAt">UTC, whole microseconds.</param>
internal sealed record Transaction(Guid Id, long UserId, long CategoryId, Money Amount, DateTime OccurredAt, DateTime AcceptedAt)
{
    /// <summary>Whether the transaction is part of a history that is put in: it is learned and scored, and never leads to an alert.</summary>
    public bool IsHistory { get; init; }

    /// <summary>The transaction that is withdrawn when this one is scored, an issued id; null: none.</summary>
    public Guid? Replaces { get; init; }
}
