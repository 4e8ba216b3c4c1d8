using FinanceIngest.Ground;
using FinanceIngest.Queueing;
using FinanceIngest.Transactions;

namespace FinanceIngest.Poison;

/// <summary>
/// Takes a person's transactions out of poison messages: out of their records, and out of their copies on the poison queue. A message that holds only
/// transactions of this person is deleted; a message that also holds transactions of others is replaced by one without this person's, or by several where
/// one would be too long for a queue.
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
        Dictionary<string, TextDigest> suspectCopies = [];
        await using PoisonQueueSweep sweep = await PoisonQueueSweep.TakeAsync(queues.Poison, IsConcerned, cancellationToken);

        // Records are listed after the copies were received: a worker commits a record before it sends the copy, so each of these copies has its record here.
        var concerned = new List<string>();
        var suspect = new List<string>();
        Dictionary<TextDigest, string> byText = [];
        HashSet<TextDigest> recorded = [];
        HashSet<Guid> removed = [];
        await foreach (PoisonMessage record in store.MessagesAsync(cancellationToken))
        {
            var digest = TextDigest.Of(record.Body);
            recorded.Add(digest);
            Redaction redaction = Redact(record.Body, record.MessageId, userId, $"{record.Reason}\n{record.Exception}");
            if (redaction.IsConcerned)
            {
                concerned.Add(record.MessageId);
                byText.TryAdd(digest, record.MessageId);
                removed.UnionWith(redaction.Removed);
            }

            if (redaction.IsSuspect)
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
            if (await store.FindAsync(messageId, cancellationToken) is { } record
                && Redact(record.Body, messageId, userId).Remainder is { Count: > 0 } remainder)
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
            SuspectCopies = suspectCopies.Values.Count(digest => !recorded.Contains(digest)),
            OutOfReach = sweep.OutOfReach,
        };

        bool IsConcerned(LeasedMessage message, TextDigest digest)
        {
            Redaction redaction = Redact(message.Text, message.Id, userId);
            if (redaction.IsSuspect)
            {
                suspectCopies[message.Id] = digest;
            }

            return redaction.IsConcerned;
        }

        Redaction RedactCopy(PoisonCopy copy) => Redact(copy.Text!, byText.GetValueOrDefault(copy.Digest, copy.Id), userId);

        async Task SendRemainderAsync(PoisonCopy copy, CancellationToken token)
        {
            foreach (string remainder in RedactCopy(copy).Remainder)
            {
                await queues.Poison.SendAsync(remainder, TimeSpan.Zero, token);
            }
        }
    }

    /// <summary>Finds the messages of an embedded queue that hold transactions or alerts of the person. Null: the queue can't be searched.</summary>
    /// <returns>What becomes of each message, by its id.</returns>
    /// <exception cref="QueueUnavailableException">The queue can't be reached.</exception>
    internal async Task<Dictionary<string, Redaction>?> FindAsync(IMessageQueue queue, long userId, CancellationToken cancellationToken)
    {
        var found = new Dictionary<string, Redaction>(StringComparer.Ordinal);
        QueueRewrite? searched = await queue.RewriteAsync(
            (id, body) =>
            {
                Redaction redaction = InboundRedaction.Without(body.Text, userId, queues.Inbound.Name, id, ids);
                if (redaction.IsConcerned)
                {
                    found[id] = redaction;
                }

                return null;
            },
            cancellationToken);
        return searched is null ? null : found;
    }

    // A message that is removed as a whole leaves nothing to look at. Where a part of it remains, its reason stays, and may quote the person's.
    private Redaction Redact(string text, string messageId, long userId, string said = "")
    {
        Redaction redaction = InboundRedaction.Without(text, userId, queues.Inbound.Name, messageId, ids);
        IReadOnlyList<string> rest = redaction.IsConcerned ? redaction.Remainder : [text];
        return redaction with
        {
            IsSuspect = rest.Count > 0
                && (redaction.IsSuspect || rest.Any(part => PersonSearch.StandsIn(part, userId)) || PersonSearch.StandsInText(said, userId)),
        };
    }
}

/// <summary>The result of an erasure in poison messages.</summary>
public sealed record PoisonErasureOutcome
{
    /// <summary>Records removed together with their messages.</summary>
    public int Removed { get; init; }

    /// <summary>Records that also hold transactions of others, and were replaced by records without this person's.</summary>
    public int Rewritten { get; init; }

    /// <summary>Ids of messages that contain the user's number where it could not be told whose it is; a person has to look at them.</summary>
    public IReadOnlyList<string> Suspect { get; init; } = [];

    /// <summary>Such messages on the poison queue that have no record, and so no id to show them by.</summary>
    public int SuspectCopies { get; init; }

    /// <summary>Messages of the poison queue that another process held at the time; when it is not 0, the erasure has to be repeated.</summary>
    public long OutOfReach { get; init; }
}
