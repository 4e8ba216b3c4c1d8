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
    /// <summary>Lists the records, oldest first, without their texts.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    public async Task<IReadOnlyList<PoisonSummary>> ListAsync(CancellationToken cancellationToken)
    {
        var summaries = new List<PoisonSummary>();
        await foreach (PoisonSummary summary in store.SummariesAsync(cancellationToken))
        {
            summaries.Add(summary);
        }

        return summaries;
    }

    /// <summary>Lists the records, oldest first, without their texts, and holds one page of them at a time.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    public IAsyncEnumerable<PoisonSummary> SummariesAsync(CancellationToken cancellationToken) => store.SummariesAsync(cancellationToken);

    /// <summary>Reads one record; null when there is none under this id.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    public Task<PoisonMessage?> FindAsync(string messageId, CancellationToken cancellationToken) => store.FindAsync(messageId, cancellationToken);

    /// <summary>
    /// Puts the messages of these records back on the inbound queue. Ids without a record are reported in <see cref="PoisonOutcome.Unknown"/>.
    /// </summary>
    /// <exception cref="QueueUnavailableException">A queue can't be reached. Nothing is lost, and the call has to be repeated.</exception>
    /// <exception cref="StoreUnavailableException">The database can't be reached. Nothing is lost, and the call has to be repeated.</exception>
    public Task<PoisonOutcome> RedriveAsync(IReadOnlyCollection<string> messageIds, CancellationToken cancellationToken) =>
        RedriveAsync(messageIds.Distinct(), withoutRecord: false, cancellationToken);

    /// <summary>Puts the messages of all records back, and the messages on the poison queue that have no record.</summary>
    /// <exception cref="QueueUnavailableException">A queue can't be reached. Nothing is lost, and the call has to be repeated.</exception>
    /// <exception cref="StoreUnavailableException">The database can't be reached. Nothing is lost, and the call has to be repeated.</exception>
    public async Task<PoisonOutcome> RedriveAllAsync(CancellationToken cancellationToken)
    {
        // The ids are listed before anything is sent: a message that fails again at once has a new record, which is left to the next call.
        IReadOnlyList<PoisonSummary> records = await ListAsync(cancellationToken);
        PoisonOutcome outcome = await RedriveAsync(records.Select(record => record.MessageId), withoutRecord: true, cancellationToken);

        // A record that somebody else removed meanwhile was not asked for by its id.
        return outcome with { Unknown = [] };
    }

    /// <summary>Removes messages for good: first their copies, then their records. The <c>failed</c> rows of their transactions stay.</summary>
    /// <exception cref="QueueUnavailableException">The poison queue can't be reached; the call has to be repeated.</exception>
    /// <exception cref="StoreUnavailableException">The database can't be reached; the call has to be repeated.</exception>
    public async Task<PoisonOutcome> DropAsync(IReadOnlyCollection<string> messageIds, CancellationToken cancellationToken)
    {
        var unwanted = new List<Handled>();
        var unknown = new List<string>();
        foreach (string messageId in messageIds.Distinct())
        {
            if (await store.FindAsync(messageId, cancellationToken) is { } record)
            {
                unwanted.Add(Handled.Of(record));
            }
            else
            {
                unknown.Add(messageId);
            }
        }

        PoisonOutcome outcome = await FinishAsync(unwanted, withoutRecord: false, cancellationToken);
        return outcome with { Unknown = unknown };
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
        if (!(await store.ListPageAsync(after: null, limit: 1, cancellationToken)).Any(record => record.FailedAt < before)
            && !((await queues.Poison.GetDepthAsync(cancellationToken)).Oldest < before))
        {
            return new PoisonOutcome();
        }

        await using PoisonQueueSweep sweep = await PoisonQueueSweep.TakeAsync(queues.Poison, wants: (_, _) => false, cancellationToken);

        // Records are listed after the copies were received: a worker commits a record before it sends the copy, so each of these copies has its record here.
        var old = new List<Handled>();
        HashSet<TextDigest> keep = [];
        await foreach (PoisonMessage record in store.MessagesAsync(cancellationToken))
        {
            if (record.FailedAt < before)
            {
                old.Add(Handled.Of(record));
            }
            else
            {
                keep.Add(TextDigest.Of(record.Body));
            }
        }

        HashSet<TextDigest> drop = [.. old.Select(record => record.Digest).Where(digest => !keep.Contains(digest))];
        List<PoisonCopy> copies = [.. sweep.Copies.Where(copy => drop.Contains(copy.Digest))];
        List<PoisonCopy> unrecorded =
            [.. sweep.Copies.Where(copy => copy.InsertedAt < before && !keep.Contains(copy.Digest) && !drop.Contains(copy.Digest))];
        await sweep.DeleteAsync([.. copies, .. unrecorded], null, cancellationToken);
        string[] messageIds = [.. old.Select(record => record.MessageId)];
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

    private async Task<PoisonOutcome> RedriveAsync(IEnumerable<string> messageIds, bool withoutRecord, CancellationToken cancellationToken)
    {
        var sent = new List<Handled>();
        var refused = new List<PoisonRefusal>();
        var unknown = new List<string>();
        await queues.Inbound.EnsureExistsAsync(cancellationToken);
        foreach (string messageId in messageIds)
        {
            if (await store.FindAsync(messageId, cancellationToken) is not { } record)
            {
                unknown.Add(messageId);
                continue;
            }

            var original = new OriginalMessage(record.MessageId, record.Body, record.InsertedAt);
            if (await SendAsync(original, record.TraceParent, hasRecord: true, cancellationToken) is { } refusal)
            {
                refused.Add(refusal);
            }
            else
            {
                sent.Add(Handled.Of(record));
            }
        }

        PoisonOutcome outcome = await FinishAsync(sent, withoutRecord, cancellationToken);
        return outcome with { Refused = [.. refused, .. outcome.Refused], Unknown = unknown };
    }

    /// <summary>Removes the copies of these messages from the poison queue, then their records.</summary>
    private async Task<PoisonOutcome> FinishAsync(IReadOnlyList<Handled> handled, bool withoutRecord, CancellationToken cancellationToken)
    {
        if (handled.Count == 0 && !withoutRecord)
        {
            return new PoisonOutcome();
        }

        PoisonOutcome outcome = await RemoveCopiesAsync(handled, withoutRecord, cancellationToken);
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

    private async Task<PoisonOutcome> RemoveCopiesAsync(IReadOnlyList<Handled> handled, bool withoutRecord, CancellationToken cancellationToken)
    {
        HashSet<string> handledIds = [.. handled.Select(record => record.MessageId)];
        HashSet<TextDigest> recorded = withoutRecord ? await DigestsAsync(_ => true, cancellationToken) : [];
        int redriven = 0;
        var refused = new List<PoisonRefusal>();
        await using PoisonQueueSweep sweep = await PoisonQueueSweep.TakeAsync(
            queues.Poison, (_, digest) => withoutRecord && !recorded.Contains(digest), cancellationToken);
        do
        {
            // Records are listed after the copies were received: a worker commits a record before it sends the copy, so no copy is mistaken for one without a
            // record.
            // A text that another record has as well (the message failed again, or was sent twice) is removed together with the last of these records.
            HashSet<TextDigest> keep = await DigestsAsync(messageId => !handledIds.Contains(messageId), cancellationToken);
            HashSet<TextDigest> handledTexts = [.. handled.Select(record => record.Digest).Where(digest => !keep.Contains(digest))];
            List<PoisonCopy> unrecorded =
                [.. sweep.Copies.Where(copy => copy.Text is not null && !handledTexts.Contains(copy.Digest) && !keep.Contains(copy.Digest))];
            await sweep.DeleteAsync(sweep.Copies.Where(copy => handledTexts.Contains(copy.Digest)), null, cancellationToken);
            List<PoisonCopy> sound = [];
            foreach (PoisonCopy copy in unrecorded)
            {
                if (Refuse(copy.Message, Read(copy.Message), hasRecord: false) is { } refusal)
                {
                    refused.Add(refusal);
                }
                else
                {
                    sound.Add(copy);
                }
            }

            await sweep.DeleteAsync(sound, (copy, token) => SendAsync(copy.Message, null, hasRecord: false, token), cancellationToken);
            redriven += sound.Count;
        }
        while (await sweep.ContinueAsync(cancellationToken));

        return new PoisonOutcome { DoneWithoutRecord = redriven, Refused = refused, OutOfReach = sweep.OutOfReach };
    }

    private async Task<HashSet<TextDigest>> DigestsAsync(Func<string, bool> isWanted, CancellationToken cancellationToken)
    {
        HashSet<TextDigest> digests = [];
        await foreach (PoisonMessage record in store.MessagesAsync(cancellationToken))
        {
            if (isWanted(record.MessageId))
            {
                digests.Add(TextDigest.Of(record.Body));
            }
        }

        return digests;
    }

    /// <summary>
    /// Sends a message as it was. When its transactions would get new ids that way, or it is too long for a queue, envelopes that contain their present ids are
    /// sent instead.
    /// </summary>
    /// <returns>Why the message was not sent; null when it was sent.</returns>
    private async Task<PoisonRefusal?> SendAsync(LeasedMessage message, string? traceParent, bool hasRecord, CancellationToken cancellationToken)
    {
        Delivery delivery = Read(message);
        if (Refuse(message, delivery, hasRecord) is { } refusal)
        {
            return refusal;
        }

        bool isPutTogether = delivery.HasDerivedIds || message.Body.Length > MessageText.MaximumLength;
        foreach (string text in isPutTogether ? Envelopes(delivery.Transactions, delivery.TraceParent ?? W3CTrace.Read(traceParent)) : [message.Text])
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

    /// <summary>A record whose message was put back, or is to be dropped.</summary>
    private readonly record struct Handled(string MessageId, TextDigest Digest)
    {
        public static Handled Of(PoisonMessage record) => new(record.MessageId, TextDigest.Of(record.Body));
    }

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
