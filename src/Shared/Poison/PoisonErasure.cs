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
    /// <summary>Erases the person's transactions. The call may be repeated.</summary>
    /// <param name="userId">1 … 2^63−1.</param>
    /// <param name="before">Is called with the ids of the person's transactions in these messages, and completes before any message is changed.</param>
    /// <param name="cancellationToken">Stops between two messages.</param>
    /// <exception cref="QueueUnavailableException">The poison queue can't be reached; the erasure has to be repeated.</exception>
    /// <exception cref="StoreUnavailableException">The database can't be reached; the erasure has to be repeated.</exception>
    public async Task<PoisonErasureOutcome> EraseAsync(long userId, Func<IReadOnlyCollection<Guid>, Task> before, CancellationToken cancellationToken)
    {
        await using PoisonQueueSweep sweep = await PoisonQueueSweep.TakeAsync(queues.Poison, cancellationToken);

        // Records are listed after the copies were received: a worker commits a record before it sends the copy, so each of these copies has its record here.
        IReadOnlyList<PoisonMessage> records = await store.ListAsync(cancellationToken);
        Dictionary<string, Redaction> recorded = records.ToDictionary(
            record => record.MessageId, record => Redact(record.Body, record.MessageId, userId, $"{record.Reason}\n{record.Exception}"));

        // A copy is treated as its record: only the record knows the message's first id, from which the ids of transactions without an id derive.
        Dictionary<string, Redaction> byText = records.DistinctBy(record => record.Body).ToDictionary(
            record => record.Body, record => recorded[record.MessageId]);
        Dictionary<string, Redaction> copies = sweep.Messages.ToDictionary(
            message => message.Id, message => byText.GetValueOrDefault(message.Text) ?? Redact(message.Text, message.Id, userId));

        int unrecorded = sweep.Messages.Count(message => copies[message.Id].IsSuspect && !byText.ContainsKey(message.Text));
        await before([.. recorded.Values.Concat(copies.Values).SelectMany(redaction => redaction.Removed).Distinct()]);
        await sweep.DeleteAsync(
            sweep.Messages.Where(message => copies[message.Id].IsConcerned),
            async (message, token) =>
            {
                if (copies[message.Id].Remainder is { } remainder)
                {
                    await queues.Poison.SendAsync(remainder, TimeSpan.Zero, token);
                }
            },
            cancellationToken);
        PoisonMessage[] concerned = [.. records.Where(record => recorded[record.MessageId].IsConcerned)];
        foreach (PoisonMessage record in concerned)
        {
            if (recorded[record.MessageId].Remainder is { } remainder)
            {
                await store.ReplaceBodyAsync(record.MessageId, remainder, cancellationToken);
            }
            else
            {
                await store.RemoveAsync(record.MessageId, cancellationToken);
            }
        }

        return new PoisonErasureOutcome
        {
            Removed = concerned.Count(record => recorded[record.MessageId].Remainder is null),
            Rewritten = concerned.Count(record => recorded[record.MessageId].Remainder is not null),
            Suspect = [.. records.Where(record => recorded[record.MessageId].IsSuspect).Select(record => record.MessageId)],
            SuspectCopies = unrecorded,
            OutOfReach = sweep.OutOfReach,
        };
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
        string? rest = redaction.IsConcerned ? redaction.Remainder : text;
        return redaction with
        {
            IsSuspect = rest is not null && (redaction.IsSuspect || PersonSearch.StandsIn(rest, userId) || PersonSearch.StandsInText(said, userId)),
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
