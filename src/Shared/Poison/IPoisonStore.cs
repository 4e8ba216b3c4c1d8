using FinanceIngest.Ground;

namespace FinanceIngest.Poison;

/// <summary>A message that can't be processed: a row of <c>poison_messages</c>.</summary>
/// <param name="MessageId">The inbound queue's id of the message.</param>
/// <param name="Reason">Why, in one line.</param>
/// <param name="Exception">The exception's text, when one was thrown.</param>
/// <param name="Attempts">How often it failed.</param>
/// <param name="TraceParent">W3C trace context of the sender.</param>
/// <param name="Body">The text, verbatim.</param>
/// <param name="InsertedAt">When the message was put on the inbound queue.</param>
/// <param name="FailedAt">When it was given up.</param>
public sealed record PoisonMessage(
    string MessageId, string Reason, string? Exception, int Attempts, string? TraceParent, string Body, DateTime InsertedAt, DateTime FailedAt);

/// <summary>Failures of messages, and the messages that were given up.</summary>
public interface IPoisonStore
{
    /// <summary>Counted attempts are forgotten after this time: the message was scored since, or is gone.</summary>
    static readonly TimeSpan KeepAttempts = TimeSpan.FromDays(14);

    /// <summary>Counts a failure of a message, or a process that it ended, and returns the new count.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<int> CountAttemptAsync(string messageId, string error, CancellationToken cancellationToken);

    /// <summary>The messages given up, oldest first.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<IReadOnlyList<PoisonMessage>> ListAsync(CancellationToken cancellationToken);

    /// <summary>Removes the record of a message and its counted attempts; false when there was none.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<bool> RemoveAsync(string messageId, CancellationToken cancellationToken);

    /// <summary>Gives the record of a message another body and forgets its exception, whose text may quote the old one; false when there is no such record.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<bool> ReplaceBodyAsync(string messageId, string body, CancellationToken cancellationToken);
}
