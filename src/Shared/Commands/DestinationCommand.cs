namespace FinanceIngest.Commands;

/// <summary>An address of a user's own, to which his alerts go too, is added.</summary>
/// <param name="Id">The command's own id, and the destination's.</param>
/// <param name="AcceptedAt">When the intake accepted it. UTC, whole microseconds.</param>
/// <param name="UserId">1 … 2^63−1.</param>
/// <param name="Destination">The address as a JSON object, which the intake has checked; at most <see cref="LongestDestination"/> characters.</param>
internal sealed record DestinationCommand(Guid Id, DateTime AcceptedAt, long UserId, string Destination) : Command(Id, AcceptedAt)
{
    /// <summary>The most characters of an address's JSON.</summary>
    public const int LongestDestination = 8192;
}
