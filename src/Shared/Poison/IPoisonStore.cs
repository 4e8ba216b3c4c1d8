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

/// <summary>What a list shows of a poison message: its record without the texts, which may be long.</summary>
/// <param name="MessageId">The id that the inbound queue gave the message.</param>
/// <param name="Reason">The beginning of the reason, of at most <see cref="MaximumReason"/> characters.</param>
/// <param name="Attempts">How often the message failed.</param>
/// <param name="TraceParent">W3C trace context of the sender.</param>
/// <param name="InsertedAt">When the message was put on the inbound queue; UTC.</param>
/// <param name="FailedAt">When the message was given up; UTC.</param>
public sealed record PoisonSummary(string MessageId, string Reason, int Attempts, string? TraceParent, DateTime InsertedAt, DateTime FailedAt)
{
    /// <summary>The longest reason in a list; the record has the whole of it.</summary>
    public const int MaximumReason = 300;

    /// <summary>A summary's reason, made of the first <see cref="MaximumReason"/> + 1 characters of the record's.</summary>
    public static string Beginning(string reason) => reason.Length <= MaximumReason ? reason : string.Concat(reason.AsSpan(0, MaximumReason - 1), "…");

    /// <summary>The place behind which a list goes on after this message.</summary>
    public PoisonPlace Place => new(FailedAt, MessageId);
}

/// <summary>A place in the order of poison messages: by the time at which they were given up, then by id.</summary>
public readonly record struct PoisonPlace(DateTime FailedAt, string MessageId);

/// <summary>
/// Stores the failures of messages, and the messages that were given up. There may be very many of these, and each may have a text of 64 KiB, so they are read
/// in pages; see <see cref="PoisonPages"/>.
/// </summary>
public interface IPoisonStore
{
    /// <summary>The age at which counted attempts are forgotten; by then their message is scored or gone.</summary>
    static readonly TimeSpan KeepAttempts = TimeSpan.FromDays(14);

    /// <summary>Counts a failure of a message, or a process that the message ended, and returns the new count.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<int> CountAttemptAsync(string messageId, string error, CancellationToken cancellationToken);

    /// <summary>Lists messages that were given up, oldest first, without their texts.</summary>
    /// <param name="after">The place behind which the page begins; null: at the beginning.</param>
    /// <param name="limit">The most messages of the page, from 1.</param>
    /// <param name="cancellationToken">Cancels the reading.</param>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<IReadOnlyList<PoisonSummary>> ListPageAsync(PoisonPlace? after, int limit, CancellationToken cancellationToken);

    /// <summary>Reads messages that were given up, oldest first, with their texts.</summary>
    /// <param name="after">The place behind which the page begins; null: at the beginning.</param>
    /// <param name="limit">The most messages of the page, from 1.</param>
    /// <param name="cancellationToken">Cancels the reading.</param>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<IReadOnlyList<PoisonMessage>> ReadPageAsync(PoisonPlace? after, int limit, CancellationToken cancellationToken);

    /// <summary>Reads one message that was given up; null when there is no record of it.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<PoisonMessage?> FindAsync(string messageId, CancellationToken cancellationToken);

    /// <summary>Removes the record of a message and its counted attempts; returns false when there is no such record.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<bool> RemoveAsync(string messageId, CancellationToken cancellationToken);

    /// <summary>
    /// Replaces the body of a message's record and removes its exception, whose text may quote the old body; returns false when there is no such record.
    /// </summary>
    /// <param name="messageId">The record's id, which it keeps.</param>
    /// <param name="bodies">
    /// The new body, and the bodies of further records that are added in the same database transaction: each gets an id of its own, and is the same otherwise.
    /// </param>
    /// <param name="cancellationToken">Cancels the call; then nothing is changed.</param>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<bool> ReplaceBodyAsync(string messageId, IReadOnlyList<string> bodies, CancellationToken cancellationToken);
}
