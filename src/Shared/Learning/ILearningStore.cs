using FinanceIngest.Detection;
using FinanceIngest.Ground;

namespace FinanceIngest.Learning;

/// <summary>The database of what is known of all users together, and the reading of states and rows from which it is made.</summary>
internal interface ILearningStore
{
    /// <summary>Reads the newest model; null: none was made yet.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<DetectionModel?> LoadModelAsync(CancellationToken cancellationToken);

    /// <summary>Writes a model. False: another process wrote one of that version meanwhile, and nothing was written.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<bool> SaveModelAsync(DetectionModel model, CancellationToken cancellationToken);

    /// <summary>Runs work that one process at a time does. False: another process is at it, and the work did not run.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<bool> RunAloneAsync(Func<Task> work, CancellationToken cancellationToken);

    /// <summary>Reads states of users and categories in the order of their keys, at most <paramref name="limit"/>, beginning behind one.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<IReadOnlyList<KnownKey>> ReadStatesAsync(StateKey? after, int limit, CancellationToken cancellationToken);

    /// <summary>Reads users' states in the order of the users, at most <paramref name="limit"/>, beginning behind one.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<IReadOnlyList<KnownUser>> ReadUsersAsync(long after, int limit, CancellationToken cancellationToken);

    /// <summary>Reads the rows that contribute, newest first by their row ids, at most <paramref name="limit"/>, beginning before one.</summary>
    /// <param name="before">A row id; <see cref="long.MaxValue"/>: from the newest row on.</param>
    /// <param name="limit">≥ 1.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<IReadOnlyList<ContributingRow>> ReadRowsAsync(long before, int limit, CancellationToken cancellationToken);

    /// <summary>
    /// Reads everything about one user as of one moment: states, and the rows that contribute. Null: the user has neither.
    /// </summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<LearnedUser?> ReadUserAsync(long userId, CancellationToken cancellationToken);

    /// <summary>Writes states of one user, where his version is still the one expected. False: it is not, and nothing was written.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<bool> TryReplaceAsync(UserChange change, CancellationToken cancellationToken);

    /// <summary>
    /// Lets rows teach what the verdicts on them say, where they don't yet: those of these ids that have a verdict, or had one. On SQLite that is done in the
    /// transaction in which the verdict meets its row; on SQL Server, whose states the program computes, before the message of either is deleted.
    /// </summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached; a repeat does the rest.</exception>
    Task SettleVerdictsAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken);

    /// <summary>Deletes the states of one user, where his version is still the one expected. False: it is not, and nothing was deleted.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached, or the process may not delete states.</exception>
    Task<bool> TryForgetAsync(long userId, long version, CancellationToken cancellationToken);
}

/// <summary>A row that contributes to states.</summary>
/// <param name="RowId">Its place among the rows.</param>
/// <param name="Key">The user and category.</param>
/// <param name="Amount">The amount.</param>
/// <param name="OccurredAt">UTC.</param>
/// <param name="Contribution">What it contributes.</param>
internal readonly record struct ContributingRow(long RowId, StateKey Key, double Amount, DateTime OccurredAt, Contribution Contribution)
{
    /// <summary>What somebody said of it; null: nothing.</summary>
    public FeedbackVerdict? Verdict { get; init; }

    /// <summary>What the detector expected before the verdict, 0 … 1.</summary>
    public double Suspicion { get; init; }
}

/// <summary>Everything that is known of one user.</summary>
/// <param name="User">The user's own state.</param>
/// <param name="Keys">The states of the user's categories.</param>
/// <param name="Rows">The rows that contribute.</param>
internal sealed record LearnedUser(KnownUser User, IReadOnlyList<KnownKey> Keys, IReadOnlyList<ContributingRow> Rows);
