using FinanceIngest.Ground;
using FinanceIngest.Queueing;
using FinanceIngest.Transactions;

namespace FinanceIngest.Poison;

/// <summary>
/// Puts poison messages back on the inbound queue, or drops them. The table has their records, and the poison queue has their texts verbatim (after a
/// crash, a text may be there twice).
/// </summary>
/// <remarks>
/// The order of effects makes a crash harmless: first the message is sent to the inbound queue, then its copies are removed from the poison queue, then its
/// record is removed. A crash in between loses nothing. The repeat sends the same transactions under the same ids, and an id never has more than one row.
/// </remarks>
public sealed class PoisonOperations(IPoisonStore store, Queues queues, IdCertifier ids)
{
    /// <summary>Lists the records, oldest first.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    public Task<IReadOnlyList<PoisonMessage>> ListAsync(CancellationToken cancellationToken) => store.ListAsync(cancellationToken);

    /// <summary>
    /// Puts the messages of these records back on the inbound queue. Ids without a record are reported in <see cref="PoisonOutcome.Unknown"/>.
    /// </summary>
    /// <exception cref="QueueUnavailableException">A queue can't be reached. Nothing is lost, and the call has to be repeated.</exception>
    /// <exception cref="StoreUnavailableException">The database can't be reached. Nothing is lost, and the call has to be repeated.</exception>
    public async Task<PoisonOutcome> RedriveAsync(IReadOnlyCollection<string> messageIds, CancellationToken cancellationToken)
    {
        IReadOnlyList<PoisonMessage> records = await store.ListAsync(cancellationToken);
        PoisonOutcome outcome = await RedriveAsync(
            [.. records.Where(record => messageIds.Contains(record.MessageId))], withoutRecord: false, cancellationToken);
        return outcome with { Unknown = UnknownAmong(messageIds, records) };
    }

    /// <summary>Puts the messages of all records back, and the messages on the poison queue that have no record.</summary>
    /// <exception cref="QueueUnavailableException">A queue can't be reached. Nothing is lost, and the call has to be repeated.</exception>
    /// <exception cref="StoreUnavailableException">The database can't be reached. Nothing is lost, and the call has to be repeated.</exception>
    public async Task<PoisonOutcome> RedriveAllAsync(CancellationToken cancellationToken) =>
        await RedriveAsync(await store.ListAsync(cancellationToken), withoutRecord: true, cancellationToken);

    /// <summary>Removes messages for good: first their copies, then their records. The <c>failed</c> rows of their transactions stay.</summary>
    /// <exception cref="QueueUnavailableException">The poison queue can't be reached; the call has to be repeated.</exception>
    /// <exception cref="StoreUnavailableException">The database can't be reached; the call has to be repeated.</exception>
    public async Task<PoisonOutcome> DropAsync(IReadOnlyCollection<string> messageIds, CancellationToken cancellationToken)
    {
        IReadOnlyList<PoisonMessage> records = await store.ListAsync(cancellationToken);
        PoisonMessage[] unwanted = [.. records.Where(record => messageIds.Contains(record.MessageId))];
        PoisonOutcome outcome = await FinishAsync(unwanted, withoutRecord: false, cancellationToken);
        return outcome with { Unknown = UnknownAmong(messageIds, records) };
    }

    /// <summary>
    /// Removes messages for good that were given up before an instant: first their copies, including copies without a record, then their records.
    /// </summary>
    /// <param name="before">UTC.</param>
    /// <param name="cancellationToken">Stops between two messages.</param>
    /// <exception cref="QueueUnavailableException">The poison queue can't be reached; the call has to be repeated.</exception>
    /// <exception cref="StoreUnavailableException">The database can't be reached; the call has to be repeated.</exception>
    public async Task<PoisonOutcome> DropOlderAsync(DateTime before, CancellationToken cancellationToken)
    {
        // When no record and no copy is old enough, no message has to be leased.
        if (!(await store.ListAsync(cancellationToken)).Any(record => record.FailedAt < before)
            && !((await queues.Poison.GetDepthAsync(cancellationToken)).Oldest < before))
        {
            return new PoisonOutcome();
        }

        await using PoisonQueueSweep sweep = await PoisonQueueSweep.TakeAsync(queues.Poison, cancellationToken);

        // Records are listed after the copies were received: a worker commits a record before it sends the copy, so each of these copies has its record here.
        ILookup<bool, PoisonMessage> isOld = (await store.ListAsync(cancellationToken)).ToLookup(record => record.FailedAt < before);
        HashSet<string> keep = [.. isOld[false].Select(record => record.Body)];
        HashSet<string> drop = [.. isOld[true].Select(record => record.Body).Where(body => !keep.Contains(body))];
        List<LeasedMessage> copies = [.. sweep.Messages.Where(message => drop.Contains(message.Text))];
        List<LeasedMessage> unrecorded =
            [.. sweep.Messages.Where(message => message.InsertedAt < before && !keep.Contains(message.Text) && !drop.Contains(message.Text))];
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
            if (await SendAsync(original, record.TraceParent, hasRecord: true, cancellationToken) is { } refusal)
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
        // Records are listed after the copies were received: a worker commits a record before it sends the copy, so no copy is mistaken for one without a
        // record.
        // A text that another record has as well (the message failed again, or was sent twice) is removed together with the last of these records.
        HashSet<string> handledIds = [.. handled.Select(record => record.MessageId)];
        IReadOnlyList<PoisonMessage> records = await store.ListAsync(cancellationToken);
        HashSet<string> keep = [.. records.Where(record => !handledIds.Contains(record.MessageId)).Select(record => record.Body)];
        HashSet<string> handledTexts = [.. handled.Select(record => record.Body).Where(body => !keep.Contains(body))];
        List<LeasedMessage> unrecorded = [.. sweep.Messages.Where(message => !handledTexts.Contains(message.Text) && !keep.Contains(message.Text))];

        await sweep.DeleteAsync(sweep.Messages.Where(message => handledTexts.Contains(message.Text)), null, cancellationToken);
        if (!withoutRecord)
        {
            return new PoisonOutcome { OutOfReach = sweep.OutOfReach };
        }

        PoisonRefusal[] refused = [.. unrecorded.Select(message => Refuse(message, Read(message), hasRecord: false)).OfType<PoisonRefusal>()];
        List<LeasedMessage> redriven = unrecorded.FindAll(message => !refused.Any(refusal => refusal.MessageId == message.Id));
        await sweep.DeleteAsync(redriven, (message, token) => SendAsync(message, null, hasRecord: false, token), cancellationToken);
        return new PoisonOutcome { DoneWithoutRecord = redriven.Count, Refused = refused, OutOfReach = sweep.OutOfReach };
    }

    /// <summary>
    /// Sends a message as it was. When its transactions would get new ids that way, envelopes that contain their present ids are sent instead.
    /// </summary>
    /// <returns>Why the message was not sent; null when it was sent.</returns>
    private async Task<PoisonRefusal?> SendAsync(LeasedMessage message, string? traceParent, bool hasRecord, CancellationToken cancellationToken)
    {
        Delivery delivery = Read(message);
        if (Refuse(message, delivery, hasRecord) is { } refusal)
        {
            return refusal;
        }

        foreach (string text in delivery.HasDerivedIds ? Envelopes(delivery.Transactions, delivery.TraceParent ?? W3CTrace.Read(traceParent)) : [message.Text])
        {
            await queues.Inbound.SendAsync(text, TimeSpan.Zero, cancellationToken);
        }

        return null;
    }

    private Delivery Read(LeasedMessage message) => new EnvelopeReader(queues.Inbound.Name, ids).Read(message);

    // A worker would find the same fault and record the same text under a new id, while whoever looks after the message knows its present one. A text without
    // a record can't be shown or dropped, so it goes back and gets one, unless its transactions would get another failed row each.
    private static PoisonRefusal? Refuse(LeasedMessage message, Delivery delivery, bool hasRecord) =>
        delivery.PoisonReason is { } reason && (hasRecord || delivery.HasDerivedIds)
            ? new PoisonRefusal(message.Id, $"it still can't be read ({reason})")
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

    /// <summary>A message from its record, as it was when it was given up. It is on no queue.</summary>
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
