namespace FinanceIngest.Commands;

/// <summary>A transaction never happened: its row goes, a tombstone stays, and what it taught is taken out.</summary>
/// <param name="Id">The command's own id.</param>
/// <param name="AcceptedAt">When the intake accepted it. UTC, whole microseconds.</param>
/// <param name="TransactionId">The transaction, an issued id. One that has no row yet never gets one.</param>
internal sealed record WithdrawCommand(Guid Id, DateTime AcceptedAt, Guid TransactionId) : Command(Id, AcceptedAt);
