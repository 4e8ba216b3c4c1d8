using FinanceIngest.Detection;

namespace FinanceIngest.Commands;

/// <summary>Somebody said whether a transaction is the user's own.</summary>
/// <param name="Id">The command's own id.</param>
/// <param name="AcceptedAt">When the intake accepted it. UTC, whole microseconds.</param>
/// <param name="TransactionId">The transaction, an issued id. It may have no row yet: its verdict then waits for its score.</param>
/// <param name="Verdict">What was said; null: what was said before is taken back.</param>
internal sealed record FeedbackCommand(Guid Id, DateTime AcceptedAt, Guid TransactionId, FeedbackVerdict? Verdict) : Command(Id, AcceptedAt);
