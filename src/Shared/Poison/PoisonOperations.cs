using FinanceIngest.Ground;
using FinanceIngest.Queueing;
using FinanceIngest.Transactions;

namespace FinanceIngest.Poison;

/// <summary>
/// What an operator does about poison messages: puts them back on the inbound queue, or drops them. The table is the record, the
/// poison queue holds the verbatim texts (after a crash, a text may be there twice).
/// </summary>
/// <remarks>
/// The order of effects is the design: send to the inbound queue, remove the copies from the poison queue, remove the record. A crash
/// in between loses nothing, and the repeat sends transactions under the ids they had, which have one row however often they come.
/// </remarks>
public sealed class PoisonOperations(IPoisonStore store, Queues queues, IdCertifier ids)
{
    /// <summary>The records, oldest first.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    public Task<IReadOnlyList<PoisonMessage>> ListAsync(CancellationToken cancellationToken) => store.ListAsync(cancellationToken);

    /// <summary>Puts the messages of these records back on the inbound queue; ids without a record are reported, not an error.</summary>
    /// <exception cref="QueueUnavailableException">A queue can't be reached; repeat it, nothing is lost.</exception>
    /// <exception cref="StoreUnavailableException">The database can't be reached; repeat it, nothing is lost.</exception>
    public async Task<PoisonOutcome> RedriveAsync(IReadOnlyCollection<string> messageIds, CancellationToken cancellationToken)
    {
        IReadOnlyList<PoisonMessage> records = await store.ListAsync(cancellationToken);
        PoisonOutcome outcome = await RedriveAsync([.. records.Where(record => messageIds.Contains(record.MessageId))], withoutRecord: false, cancellationToken);
        return outcome with { Unknown = UnknownAmong(messageIds, records) };
    }

    /// <summary>Puts everything back: the messages of all records, and what is on the poison queue without a record.</summary>
    /// <exception cref="QueueUnavailableException">A queue can't be reached; repeat it, nothing is lost.</exception>
    /// <exception cref="StoreUnavailableException">The database can't be reached; repeat it, nothing is lost.</exception>
    public async Task<PoisonOutcome> RedriveAllAsync(CancellationToken cancellationToken) =>
        await RedriveAsync(await store.ListAsync(cancellationToken), withoutRecord: true, cancellationToken);

    /// <summary>Removes messages for good: their copies, then their records. Rows that say <c>failed</c> stay.</summary>
    /// <exception cref="QueueUnavailableException">The poison queue can't be reached; repeat it.</exception>
    /// <exception cref="StoreUnavailableException">The database can't be reached; repeat it.</exception>
    public async Task<PoisonOutcome> DropAsync(IReadOnlyCollection<string> messageIds, CancellationToken cancellationToken)
    {
        IReadOnlyList<PoisonMessage> records = await store.ListAsync(cancellationToken);
        PoisonMessage[] unwanted = [.. records.Where(record => messageIds.Contains(record.MessageId))];
        PoisonOutcome outcome = await FinishAsync(unwanted, withoutRecord: false, cancellationToken);
        return outcome with { Unknown = UnknownAmong(messageIds, records) };
    }

    /// <summary>Removes messages given up before an instant, for good: copies, also those without a record, then records.</summary>
    /// <exception cref="QueueUnavailableException">The poison queue can't be reached; repeat it.</exception>
    /// <exception cref="StoreUnavailableException">The database can't be reached; repeat it.</exception>
    public async Task<PoisonOutcome> DropOlderAsync(DateTime before, CancellationToken cancellationToken)
    {
        if (!(await store.ListAsync(cancellationToken)).Any(record => record.FailedAt < before) && !((await queues.Poison.GetDepthAsync(cancellationToken)).Oldest < before))
        {
            return new PoisonOutcome();
        }

        await using PoisonQueueSweep sweep = await PoisonQueueSweep.TakeAsync(queues.Poison, cancellationToken);

        // Listed after the messages were received: a worker commits the record before it sends the copy.
        ILookup<bool, PoisonMessage> isOld = (await store.ListAsync(cancellationToken)).ToLookup(record => record.FailedAt < before);
        HashSet<string> keep = [.. isOld[false].Select(record => record.Body)];
        HashSet<string> drop = [.. isOld[true].Select(record => record.Body).Where(body => !keep.Contains(body))];
        List<LeasedMessage> copies = [.. sweep.Messages.Where(message => drop.Contains(message.Text))];
        List<LeasedMessage> unrecorded = [.. sweep.Messages.Where(message => message.InsertedAt < before && !keep.Contains(message.Text) && !drop.Contains(message.Text))];
        await sweep.DeleteAsync([.. copies, .. unrecorded], null, cancellationToken);
        string[] messageIds = [.. isOld[true].Select(record => record.MessageId)];
        if (sweep.OutOfReach > 0)
        {
            return new PoisonOutcome { DoneWithoutRecord = unrecorded.Count, OutOfReach = sweep.OutOfReach, Unfinished = messageIds };
        }

        foreach (string messageId in messageIds)
        {
            await store.RemoveAsync(messageId, cancellationToken);
        }

        return new PoisonOutcome { Done = messageIds, DoneWithoutRecord = unrecorded.Count };
    }

    private async Task<PoisonOutcome> RedriveAsync(IReadOnlyList<PoisonMessage> records, bool withoutRecord, CancellationToken cancellationToken)
    {
        var sent = new List<PoisonMessage>(records.Count);
        var refused = new List<PoisonRefusal>();
        await queues.Inbound.EnsureExistsAsync(cancellationToken);
        foreach (PoisonMessage record in records)
        {
            var original = new OriginalMessage(record.MessageId, record.Body, record.InsertedAt);
            if (await SendAsync(original, record.TraceParent, cancellationToken) is { } refusal)
            {
                refused.Add(refusal);
            }
            else
            {
                sent.Add(record);
            }
        }

        PoisonOutcome outcome = await FinishAsync(sent, withoutRecord, cancellationToken);
        return outcome with { Refused = [.. refused, .. outcome.Refused] };
    }

    /// <summary>Removes the copies of these messages from the poison queue, then their records.</summary>
    private async Task<PoisonOutcome> FinishAsync(IReadOnlyList<PoisonMessage> handled, bool withoutRecord, CancellationToken cancellationToken)
    {
        var outcome = new PoisonOutcome();
        if (handled.Count == 0 && !withoutRecord)
        {
            return outcome;
        }

        await using (PoisonQueueSweep sweep = await PoisonQueueSweep.TakeAsync(queues.Poison, cancellationToken))
        {
            outcome = await RemoveCopiesAsync(sweep, handled, withoutRecord, cancellationToken);
        }

        string[] messageIds = [.. handled.Select(record => record.MessageId)];
        if (outcome.OutOfReach > 0)
        {
            return outcome with { Unfinished = messageIds };
        }

        foreach (string messageId in messageIds)
        {
            await store.RemoveAsync(messageId, cancellationToken);
        }

        return outcome with { Done = messageIds };
    }

    private async Task<PoisonOutcome> RemoveCopiesAsync(
        PoisonQueueSweep sweep, IReadOnlyList<PoisonMessage> handled, bool withoutRecord, CancellationToken cancellationToken)
    {
        // Listed after the messages were received: a worker commits the record before it sends the copy, so that none of them seems to
        // have no record. A text that another record has too (it failed again, or came twice) goes with the last of them.
        HashSet<string> handledIds = [.. handled.Select(record => record.MessageId)];
        HashSet<string> keep = [.. (await store.ListAsync(cancellationToken)).Where(record => !handledIds.Contains(record.MessageId)).Select(record => record.Body)];
        HashSet<string> handledTexts = [.. handled.Select(record => record.Body).Where(body => !keep.Contains(body))];
        List<LeasedMessage> unrecorded = [.. sweep.Messages.Where(message => !handledTexts.Contains(message.Text) && !keep.Contains(message.Text))];

        await sweep.DeleteAsync(sweep.Messages.Where(message => handledTexts.Contains(message.Text)), null, cancellationToken);
        if (!withoutRecord)
        {
            return new PoisonOutcome { OutOfReach = sweep.OutOfReach };
        }

        PoisonRefusal[] refused = [.. unrecorded.Select(message => Refuse(message, Read(message))).OfType<PoisonRefusal>()];
        List<LeasedMessage> redriven = unrecorded.FindAll(message => !refused.Any(refusal => refusal.MessageId == message.Id));
        await sweep.DeleteAsync(redriven, (message, token) => SendAsync(message, null, token), cancellationToken);
        return new PoisonOutcome { DoneWithoutRecord = redriven.Count, Refused = refused, OutOfReach = sweep.OutOfReach };
    }

    /// <summary>Sends a message as it was, or, where that would give its transactions new ids, as an envelope that names their ids.</summary>
    /// <returns>Why it was not sent; null when it was.</returns>
    private async Task<PoisonRefusal?> SendAsync(LeasedMessage message, string? traceParent, CancellationToken cancellationToken)
    {
        Delivery delivery = Read(message);
        if (Refuse(message, delivery) is { } refusal)
        {
            return refusal;
        }

        foreach (string text in delivery.HasDerivedIds ? Envelopes(delivery.Transactions, delivery.TraceParent ?? traceParent) : [message.Text])
        {
            await queues.Inbound.SendAsync(text, TimeSpan.Zero, cancellationToken);
        }

        return null;
    }

    private Delivery Read(LeasedMessage message) => new EnvelopeReader(queues.Inbound.Name, ids).Read(message);

    // Sent as it is, its transactions would get ids from the new message: another failed row for what can't be read, and a second row
    // for what was scored beside it.
    private static PoisonRefusal? Refuse(LeasedMessage message, Delivery delivery) =>
        delivery is { HasDerivedIds: true, PoisonReason: { } reason }
            ? new PoisonRefusal(message.Id, $"its transactions have no ids and still can't all be read ({reason})")
            : null;

    private static IEnumerable<string> Envelopes(IEnumerable<Transaction> transactions, string? traceParent)
    {
        var envelope = new EnvelopeBuilder(traceParent);
        foreach (Transaction transaction in transactions)
        {
            if (!envelope.TryAdd(transaction))
            {
                yield return envelope.ToBody().Text;
                envelope = new EnvelopeBuilder(traceParent);
                envelope.TryAdd(transaction);
            }
        }

        yield return envelope.ToBody().Text;
    }

    private static List<string> UnknownAmong(IEnumerable<string> messageIds, IReadOnlyList<PoisonMessage> records) =>
        [.. messageIds.Distinct().Except(records.Select(record => record.MessageId))];

    /// <summary>A message as it was when it was given up, from its record; it is on no queue.</summary>
    private sealed class OriginalMessage : LeasedMessage
    {
        [System.Diagnostics.CodeAnalysis.SetsRequiredMembers]
        public OriginalMessage(string id, string text, DateTime insertedAt)
        {
            Id = id;
            Body = text;
            InsertedAt = insertedAt;
            DequeueCount = 0;
        }

        public override Task<bool> TryDeleteAsync(CancellationToken cancellationToken) => Task.FromResult(false);

        public override Task<bool> TryExtendAsync(TimeSpan lease, CancellationToken cancellationToken) => Task.FromResult(false);
    }
}
