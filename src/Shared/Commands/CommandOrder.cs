namespace FinanceIngest.Commands;

/// <summary>The place of a command among all commands: by the time of its acceptance, and among those of one microsecond by its id.</summary>
/// <param name="AcceptedAt">UTC, whole microseconds.</param>
/// <param name="CommandId">The command's id; ids are compared as their texts are.</param>
internal readonly record struct CommandOrder(DateTime AcceptedAt, Guid CommandId) : IComparable<CommandOrder>
{
    /// <inheritdoc/>
    public int CompareTo(CommandOrder other) => (AcceptedAt, CommandId).CompareTo((other.AcceptedAt, other.CommandId));

    /// <summary>Whether this place comes after another one; every place comes after none (null).</summary>
    public bool IsAfter(CommandOrder? other) => other is not { } place || CompareTo(place) > 0;
}
