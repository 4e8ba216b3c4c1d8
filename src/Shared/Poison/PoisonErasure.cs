using FinanceIngest.Ground;
using FinanceIngest.Queueing;
using FinanceIngest.Transactions;

namespace FinanceIngest.Poison;

/// <summary>
/// Takes a person's transactions out of poison messages: out of their records, and out of their copies on the poison queue. A message that holds only
/// transactions of this person is deleted; a message that also holds transactions of others is replaced by one without this person's.
/// </summary>
public sealed class PoisonErasure(IPoisonStore store, Queues queues, IdCertifier ids)
{
    // Ids that are handed over together: a flood of messages holds millions.
    private const int MaximumIds = 10_000;

    /// <summary>Erases the person's transactions. The call may be repeated.</summary>
    /// <param name="userId">1 … 2^63−1.</param>
    /// <param name="before">
    /// Is called at least once, with the ids of the person's transactions in these messages, and completes before any message that holds them is changed.
    /// </param>
    /// <param name="cancellationToken">Stops between two messages.</param>
    /// <exception cref="QueueUnavailableException">The poison queue can't be reached; the erasure has to be repeated.</exception>
    /// <exception cref="StoreUnavailableException">The database can't be reached; the erasure has to be repeated.</exception>
    public async Task<PoisonErasureOutcome> EraseAsync(long userId, Func<IReadOnlyCollection<Guid>, Task> before, CancellationToken cancellationToken)
    {
        // Whether a text concerns the person does not depend on the message's id, so the texts of all other copies need not be held.
        await using PoisonQueueSweep sweep = await PoisonQueueSweep.TakeAsync(
            queues.Poison, (message, _) => Redact(message.Text, message.Id, userId).IsConcerned, cancellationToken);

        // Records are listed after the copies were received: a worker commits a record before it sends the copy, so each of these copies has its record here.
        var concerned = new List<string>();
        var suspect = new List<string>();
        Dictionary<TextDigest, string> byText = [];
        HashSet<Guid> removed = [];
        await foreach (PoisonMessage record in store.MessagesAsync(cancellationToken))
        {
            Redaction redaction = Redact(record.Body, record.MessageId, userId);
            if (redaction.IsConcerned)
            {
                concerned.Add(record.MessageId);
                byText.TryAdd(TextDigest.Of(record.Body), record.MessageId);
                removed.UnionWith(redaction.Removed);
            }
            else if (redaction.IsSuspect)
            {
                suspect.Add(record.MessageId);
            }

            if (removed.Count >= MaximumIds)
            {
                await before(removed);
                removed.Clear();
            }
        }

        do
        {
            // A copy is treated as its record: only the record knows the message's first id, from which the ids of transactions without an id derive.
            List<PoisonCopy> copies = [.. sweep.Copies.Where(copy => copy.Text is not null)];
            copies.ForEach(copy => removed.UnionWith(RedactCopy(copy).Removed));
            await before(removed);
            removed.Clear();
            await sweep.DeleteAsync(copies, SendRemainderAsync, cancellationToken);
        }
        while (await sweep.ContinueAsync(cancellationToken));

        int rewritten = 0;
        foreach (string messageId in concerned)
        {
            if (await store.FindAsync(messageId, cancellationToken) is { } record && Redact(record.Body, messageId, userId).Remainder is { } remainder)
            {
                await store.ReplaceBodyAsync(messageId, remainder, cancellationToken);
                rewritten++;
            }
            else
            {
                await store.RemoveAsync(messageId, cancellationToken);
            }
        }

        return new PoisonErasureOutcome
        {
            Removed = concerned.Count - rewritten,
            Rewritten = rewritten,
            Suspect = suspect,
            OutOfReach = sweep.OutOfReach,
        };

        Redaction RedactCopy(PoisonCopy copy) => Redact(copy.Text!, byText.GetValueOrDefault(copy.Digest, copy.Id), userId);

        async Task SendRemainderAsync(PoisonCopy copy, CancellationToken token)
        {
            if (RedactCopy(copy).Remainder is { } remainder)
            {
                await queues.Poison.SendAsync(remainder, TimeSpan.Zero, token);
            }
        }
    }

    private Redaction Redact(string text, string messageId, long userId) => InboundRedaction.Without(text, userId, queues.Inbound.Name, messageId, ids);
}

/// <summary>The result of an erasure in poison messages.</summary>
public sealed record PoisonErasureOutcome
{
    /// <summary>Records removed together with their messages.</summary>
    public int Removed { get; init; }

    /// <summary>Records that also hold transactions of others, and were replaced by records without this person's.</summary>
    public int Rewritten { get; init; }

    /// <summary>Ids of messages that can't be read and contain the user's number somewhere; a person has to look at them.</summary>
    public IReadOnlyList<string> Suspect { get; init; } = [];

    /// <summary>Messages of the poison queue that another process held at the time; when it is not 0, the erasure has to be repeated.</summary>
    public long OutOfReach { get; init; }
}
