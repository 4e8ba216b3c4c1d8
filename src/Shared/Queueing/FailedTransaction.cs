using FinanceIngest.Transactions;

namespace FinanceIngest.Queueing;

/// <summary>A transaction that is not scored, as far as it is known: it could not be read, or it fails by itself. Its row becomes <c>failed</c>.</summary>
/// <param name="Id">Null when the transaction's id was not issued by this installation: it gets no row then.</param>
/// <param name="UserId">Null when unreadable.</param>
/// <param name="CategoryId">Null when unreadable.</param>
/// <param name="Amount">Null when unreadable.</param>
/// <param name="OccurredAt">Null when absent or unreadable.</param>
/// <param name="AcceptedAt">When the transaction was accepted, or its message inserted (UTC).</param>
/// <param name="Error">What is wrong; null when only the failure of its message says so.</param>
internal sealed record FailedTransaction(
    Guid? Id, long? UserId, long? CategoryId, Money? Amount, DateTime? OccurredAt, DateTime AcceptedAt, string? Error)
{
    /// <summary>A transaction that was read and could not be scored.</summary>
    public static FailedTransaction Of(Transaction transaction) =>
        new(transaction.Id, transaction.UserId, transaction.CategoryId, transaction.Amount, transaction.OccurredAt, transaction.AcceptedAt, Error: null);
}
