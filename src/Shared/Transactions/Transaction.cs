namespace FinanceIngest.Transactions;

/// <summary>A transaction that was accepted: what travels on the inbound queue and is scored.</summary>
/// <param name="Id">Certified id, see <see cref="IdCertifier"/>.</param>
/// <param name="UserId">1 … 2^63−1.</param>
/// <param name="CategoryId">1 … 2^63−1.</param>
/// <param name="Amount">Zero and negative amounts are transactions too.</param>
/// <param name="OccurredAt">UTC, whole microseconds; equal to <paramref name="AcceptedAt"/> where the producer gave none.</param>
/// <param name="AcceptedAt">UTC, whole microseconds.</param>
internal sealed record Transaction(Guid Id, long UserId, long CategoryId, Money Amount, DateTime OccurredAt, DateTime AcceptedAt);
