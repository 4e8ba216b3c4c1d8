namespace FinanceIngest.Commands;

/// <summary>Everything about a user is erased, with what was accepted before the command and is scored after it.</summary>
/// <param name="Id">The command's own id.</param>
/// <param name="AcceptedAt">When the intake accepted it. UTC, whole microseconds.</param>
/// <param name="UserId">1 … 2^63−1.</param>
internal sealed record EraseUserCommand(Guid Id, DateTime AcceptedAt, long UserId) : Command(Id, AcceptedAt);
