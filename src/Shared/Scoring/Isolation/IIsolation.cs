using FinanceIngest.Queueing;

namespace FinanceIngest.Scoring.Isolation;

/// <summary>Isolates suspects: messages that may end the process that handles them.</summary>
internal interface IIsolation
{
    /// <summary>Opens a place for some messages, one after the other. It costs nothing until it is used.</summary>
    IIsolatedScorer Open();
}

/// <summary>Reads, scores and writes messages where they can do no harm to the caller, which settles them: it is the witness that survives.</summary>
internal interface IIsolatedScorer : IAsyncDisposable
{
    /// <summary>Gets ready for the next message.</summary>
    /// <returns>Why that is not possible; null when it is ready.</returns>
    Task<string?> PrepareAsync(CancellationToken cancellationToken);

    /// <summary>Takes a message as far as its commit.</summary>
    /// <param name="message">The message.</param>
    /// <param name="heldUntil">Timestamp of the machine's monotonic clock after which nothing may be committed for it.</param>
    /// <param name="cancellationToken">Ends the work, wherever it is.</param>
    /// <exception cref="OperationCanceledException">Cancelled; whether it was committed is unknown.</exception>
    Task<ScoringOutcome> ScoreAsync(LeasedMessage message, long heldUntil, CancellationToken cancellationToken);
}
