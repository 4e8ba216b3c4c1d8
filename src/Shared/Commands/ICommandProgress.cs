using FinanceIngest.Ground;

namespace FinanceIngest.Commands;

/// <summary>Tells requests that wait for their commands how far these are.</summary>
internal interface ICommandProgress
{
    /// <summary>Whether each of the commands was carried out, or overtaken by a later one with the same target.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<bool> AreCarriedOutAsync(IReadOnlyList<Command> commands, CancellationToken cancellationToken);

    /// <summary>The last erasure of a user that a worker has begun; null: there is none.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<Erasure?> FindErasureAsync(long userId, CancellationToken cancellationToken);

    /// <summary>Notes that everything of a user was erased, unless a later command asks for that again.</summary>
    /// <param name="erasure">The command that was carried out.</param>
    /// <param name="now">UTC, whole microseconds.</param>
    /// <param name="cancellationToken">Abandons the write.</param>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task CompleteErasureAsync(EraseUserCommand erasure, DateTime now, CancellationToken cancellationToken);
}

/// <summary>The erasure of a user.</summary>
/// <param name="AcceptedAt">When it was accepted. UTC, whole microseconds.</param>
/// <param name="CompletedAt">When everything was erased (UTC); null: a worker is at it.</param>
internal sealed record Erasure(DateTime AcceptedAt, DateTime? CompletedAt);
