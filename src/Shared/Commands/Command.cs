namespace FinanceIngest.Commands;

/// <summary>
/// Something that a worker is to do with transactions or users that exist already. It travels on the inbound queue as transactions do, and is carried out in
/// the database transaction of its batch.
/// </summary>
/// <remarks>
/// Of two commands with the same target the later one holds, in whatever order they are delivered, and however often: each target keeps the
/// <see cref="Order"/> of the last command that it obeyed, and a command that does not come after it changes nothing.
/// </remarks>
/// <param name="Id">The command's own id, a UUID of version 7.</param>
/// <param name="AcceptedAt">When the intake accepted it. UTC, whole microseconds.</param>
internal abstract record Command(Guid Id, DateTime AcceptedAt)
{
    /// <summary>The place of the command among all commands.</summary>
    public CommandOrder Order => new(AcceptedAt, Id);
}
