namespace FinanceIngest.Commands;

/// <summary>An address of a user's own is removed.</summary>
/// <param name="Id">The command's own id.</param>
/// <param name="AcceptedAt">When the intake accepted it. UTC, whole microseconds.</param>
/// <param name="UserId">1 … 2^63−1.</param>
/// <param name="DestinationId">The destination, which is the id of the command that added it.</param>
internal sealed record RemoveDestinationCommand(Guid Id, DateTime AcceptedAt, long UserId, Guid DestinationId) : Command(Id, AcceptedAt);
