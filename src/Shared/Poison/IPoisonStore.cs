using FinanceIngest.Ground;

namespace FinanceIngest.Poison;

/// <summary>A message that could not be processed: a row of <c>poison_messages</c>.</summary>
/// <param name="MessageId">The id that the inbound queue gave the message.</param>
/// <param name="Reason">Why the message could not be processed, in one line.</param>
/// <param name="Exception">The text of the exception; null when none was thrown.</param>
/// <param name="Attempts">How often the message failed.</param>
/// <param name="TraceParent">W3C trace context of the sender.</param>
/// <param name="Body">The message's text, verbatim.</param>
/// <param name="InsertedAt">When the message was put on the inbound queue; UTC.</param>
/// <param name="FailedAt">When the message was given up; UTC.</param>
public sealed record PoisonMessage(
    string MessageId, string Reason, string? Exception, int Attempts, string? TraceParent, string Body, DateTime InsertedAt, DateTime FailedAt);

/// <summary>Stores the failures of messages, and the messages that were given up.</summary>
public interface IPoisonStore
{
    /// <summary>The age at which counted attempts are forgotten; by then their message is scored or gone.</summary>
    static readonly TimeSpan KeepAttempts = TimeSpan.FromDays(14);

    /// <summary>Counts a failure of a message, or a process that the message ended, and returns the new count.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<int> CountAttemptAsync(string messageId, string error, CancellationToken cancellationToken);

    /// <summary>Lists the messages that were given up, oldest first.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<IReadOnlyList<PoisonMessage>> ListAsync(CancellationToken cancellationToken);

    /// <summary>Removes the record of a message and its counted attempts; returns false when there is no such record.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<bool> RemoveAsync(string messageId, CancellationToken cancellationToken);

    /// <summary>
    /// Replaces the body of a message's record and removes its exception, whose text may quote the old body; returns false when there is no such record.
    /// </summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<bool> ReplaceBodyAsync(string messageId, string body, CancellationToken cancellationToken);
}
