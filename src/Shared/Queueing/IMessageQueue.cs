using FinanceIngest.Ground;

namespace FinanceIngest.Queueing;

/// <summary>
/// A durable queue with the semantics of Azure Queue Storage: it delivers at least once and roughly in order, and a received message is leased (invisible)
/// until it is deleted or its lease ends. There are two implementations: Azure Storage, and an embedded one on SQLite.
/// </summary>
public interface IMessageQueue
{
    /// <summary>The queue's name.</summary>
    string Name { get; }

    /// <summary>Creates the queue if it is missing and this process may create queues.</summary>
    /// <exception cref="QueueUnavailableException">The queue can't be reached.</exception>
    Task EnsureExistsAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Puts a message on the queue; it never expires. When the task has completed, the message is durable. The returned message is the sender's hold on it,
    /// which is good until the message is received.
    /// </summary>
    /// <param name="body">A text of at most <see cref="MessageText.MaximumLength"/> bytes of UTF-8, or an envelope.</param>
    /// <param name="visibilityDelay">How long the message stays invisible at first.</param>
    /// <param name="cancellationToken">Cancelling leaves it open whether the message was sent.</param>
    /// <exception cref="ArgumentException">The text is longer than <see cref="MessageText.MaximumLength"/>; nothing was sent.</exception>
    /// <exception cref="QueueUnavailableException">The queue does not take messages.</exception>
    Task<LeasedMessage> SendAsync(MessageBody body, TimeSpan visibilityDelay, CancellationToken cancellationToken);

    /// <summary>Leases up to <paramref name="maximum"/> (1 … 32) visible messages; the list is empty when there is none.</summary>
    /// <exception cref="QueueUnavailableException">The queue can't be reached.</exception>
    Task<IReadOnlyList<LeasedMessage>> ReceiveAsync(int maximum, TimeSpan lease, CancellationToken cancellationToken);

    /// <summary>Returns the texts of up to <paramref name="maximum"/> (1 … 32) visible messages, without leasing them.</summary>
    /// <exception cref="QueueUnavailableException">The queue can't be reached.</exception>
    Task<IReadOnlyList<string>> PeekAsync(int maximum, CancellationToken cancellationToken);

    /// <summary>Returns how many messages are on the queue, leased and delayed ones included.</summary>
    /// <exception cref="QueueUnavailableException">The queue can't be reached.</exception>
    Task<QueueDepth> GetDepthAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Returns how many transactions wait on the queue, leased and delayed messages included; null: there are messages, and none of them can be seen. Where a
    /// queue does not count them itself, the number is concluded from its 32 oldest visible messages.
    /// </summary>
    /// <exception cref="QueueUnavailableException">The queue can't be reached.</exception>
    async Task<TransactionCount?> CountTransactionsAsync(CancellationToken cancellationToken)
    {
        const int sample = 32;
        QueueDepth depth = await GetDepthAsync(cancellationToken);
        return TransactionCount.Of(depth.Length, depth.Length == 0 ? [] : await PeekAsync(sample, cancellationToken));
    }

    /// <summary>
    /// Shows every message, leased and delayed ones included, and changes those for which an answer is given. Null: this queue can't be searched, and nothing
    /// was changed.
    /// </summary>
    /// <param name="rewrite">Is given a message's id and body; null leaves the message as it is.</param>
    /// <param name="cancellationToken">Stops between two messages.</param>
    /// <exception cref="QueueUnavailableException">The queue can't be reached; some messages may be changed.</exception>
    Task<QueueRewrite?> RewriteAsync(Func<string, MessageBody, MessageRewrite?> rewrite, CancellationToken cancellationToken) =>
        Task.FromResult<QueueRewrite?>(null);

    /// <summary>Makes what was deleted unreadable where this program keeps it. False: other programs were in the way; the call has to be repeated.</summary>
    /// <exception cref="QueueUnavailableException">The queue can't be reached.</exception>
    Task<bool> ForgetDeletedAsync(CancellationToken cancellationToken) => Task.FromResult(true);

    /// <summary>Completes when the queue takes messages.</summary>
    /// <exception cref="QueueUnavailableException">The queue does not take messages.</exception>
    Task ProbeAsync(CancellationToken cancellationToken);
}

/// <param name="Length">Messages; on Azure an approximation, never below the truth.</param>
/// <param name="Oldest">When the oldest message that can be seen was inserted; null when there is none.</param>
public readonly record struct QueueDepth(long Length, DateTime? Oldest);

/// <summary>A message under a lease of this process. A lost lease is an outcome (<c>false</c>), not an exception.</summary>
public abstract class LeasedMessage
{
    private MessageBody? _body;

    /// <summary>The queue's id of the message, the same for every delivery.</summary>
    public required string Id { get; init; }

    /// <summary>The message's form on the queue.</summary>
    /// <exception cref="InvalidOperationException"><see cref="ForgetBody"/> was called.</exception>
    public required MessageBody Body
    {
        get => _body ?? throw new InvalidOperationException("The message's body was let go.");
        init => _body = value;
    }

    /// <summary>The text exactly as it was sent.</summary>
    public string Text => Body.Text;

    /// <summary>When the message was put on the queue (UTC).</summary>
    public required DateTime InsertedAt { get; init; }

    /// <summary>How often the message has been received, this time included. Kills and lost leases raise it too.</summary>
    public required long DequeueCount { get; init; }

    /// <summary>Lets go of the body, for whoever holds very many messages and knows what is in them.</summary>
    public void ForgetBody() => _body = null;

    /// <summary>Removes the message; false: the lease was lost, or the message is gone.</summary>
    /// <exception cref="QueueUnavailableException">The queue can't be reached.</exception>
    public abstract Task<bool> TryDeleteAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Leases the message for <paramref name="lease"/> from now; zero gives it back visible at once. False: the lease was lost.
    /// </summary>
    /// <exception cref="QueueUnavailableException">The queue can't be reached.</exception>
    public abstract Task<bool> TryExtendAsync(TimeSpan lease, CancellationToken cancellationToken);
}

/// <summary>What becomes of a message.</summary>
/// <param name="Texts">
/// Its new text, and the texts of further messages that stand beside it, as old, as visible and as often received as it is; empty: the message is removed. Each
/// has at most <see cref="MessageText.MaximumLength"/> bytes of UTF-8.
/// </param>
public sealed record MessageRewrite(IReadOnlyList<string> Texts);

/// <summary>What was changed on a queue.</summary>
/// <param name="Changed">Messages that were removed or rewritten.</param>
/// <param name="InHand">How many of these another program had leased: it may still act on the text that it received.</param>
public readonly record struct QueueRewrite(int Changed, int InHand);
