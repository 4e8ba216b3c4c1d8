using FinanceIngest.Ground;

namespace FinanceIngest.Replay;

/// <summary>Looks back: at the rows that were scored, and at what detectors have learned. It changes nothing.</summary>
public interface IReplayStore
{
    /// <summary>Returns the id of the newest row; 0: there is none. Rows up to it are a history that no later batch adds to.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<long> FindLastAsync(CancellationToken cancellationToken);

    /// <summary>Reads the scored rows of a part of the history, in the order of their row ids.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<HistoryPage<HistoryRow>> ReadRowsAsync(HistoryPart part, CancellationToken cancellationToken);

    /// <summary>Reads the rows of a part of the history that shadow detectors scored too, in the order of their row ids.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<HistoryPage<ShadowedRow>> ReadShadowedAsync(HistoryPart part, CancellationToken cancellationToken);

    /// <summary>Reads the verdicts that hold, in the order of the transactions' ids.</summary>
    /// <param name="after">Verdicts on transactions with higher ids; <see cref="Guid.Empty"/>: from the first one on.</param>
    /// <param name="limit">At most so many, ≥ 1.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<IReadOnlyList<GivenVerdict>> ReadVerdictsAsync(Guid after, int limit, CancellationToken cancellationToken);

    /// <summary>Reads what detectors have learned, and which of them scored the newest row.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<LearnedFacts> ReadLearnedAsync(CancellationToken cancellationToken);
}
