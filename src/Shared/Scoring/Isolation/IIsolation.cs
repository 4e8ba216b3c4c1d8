using FinanceIngest.Queueing;

namespace FinanceIngest.Scoring.Isolation;

/// <summary>Where suspects are scored: messages that may end the process that handles them.</summary>
internal interface IIsolation
{
    /// <summary>A place for some messages, one after the other. Costs nothing until it is used.</summary>
    IIsolatedScorer Open();
}

/// <summary>Decodes, scores and writes messages where their harm stays. The caller settles them: it is the witness that survives.</summary>
internal interface IIsolatedScorer : IAsyncDisposable
{
    /// <summary>Gets ready; why it can't, or null.</summary>
    Task<string?> PrepareAsync(CancellationToken cancellationToken);

    /// <summary>Takes a message as far as its commit.</summary>
    /// <param name="message">The message.</param>
    /// <param name="heldUntil">Timestamp of the machine's monotonic clock after which nothing may be committed for it.</param>
    /// <param name="cancellationToken">Ends the work, wherever it is.</param>
    /// <exception cref="OperationCanceledException">Cancelled; whether it was committed is unknown.</exception>
    Task<ScoringOutcome> ScoreAsync(LeasedMessage message, long heldUntil, CancellationToken cancellationToken);
}
