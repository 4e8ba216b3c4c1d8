using FinanceIngest.Queueing;

namespace FinanceIngest.Scoring;

/// <summary>
/// Receives batches whose size follows the backlog. A queue hands out at most 32 messages at a time; as long as every call comes back full,
/// more calls go side by side, up to what the size of the messages allows.
/// </summary>
/// <param name="queue">The queue.</param>
/// <param name="lease">The messages' lease.</param>
internal sealed class BatchReceiver(IMessageQueue queue, TimeSpan lease)
{
    /// <summary>A batch is widened only while its texts stay below this many characters: about a full call of full messages, some 7,000 transactions.</summary>
    public const int MaximumCharacters = 2 * 1024 * 1024;

    private const int CallSize = 32;
    private const int MaximumCalls = 16;
    private int _calls = 1;

    /// <summary>The next batch; empty when there is nothing.</summary>
    /// <exception cref="QueueUnavailableException">The queue can't be reached.</exception>
    public async Task<IReadOnlyList<LeasedMessage>> ReceiveAsync(CancellationToken cancellationToken)
    {
        int calls = _calls;
        IReadOnlyList<LeasedMessage> messages = calls == 1
            ? await queue.ReceiveAsync(CallSize, lease, cancellationToken)
            : await ReceiveSideBySideAsync(calls, cancellationToken);
        _calls = messages.Count < calls * CallSize
            ? Math.Max(1, messages.Count / CallSize)
            : Math.Min(Math.Min(calls * 2, MaximumCalls), Fitting(messages));
        return messages;
    }

    private async Task<IReadOnlyList<LeasedMessage>> ReceiveSideBySideAsync(int calls, CancellationToken cancellationToken)
    {
        Task<IReadOnlyList<LeasedMessage>>[] receives = [.. Enumerable.Range(0, calls).Select(_ => queue.ReceiveAsync(CallSize, lease, cancellationToken))];
        await ((Task)Task.WhenAll(receives)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        List<LeasedMessage> messages = [.. receives.Where(receive => receive.IsCompletedSuccessfully).SelectMany(receive => receive.Result)];
        if (messages.Count == 0)
        {
            // Throws what a call failed with, if one did. Else what was received goes first: the next call will show whether it is over.
            await Task.WhenAll(receives);
        }

        return messages;
    }

    // Calls whose messages, as large as these on average, stay within the limit.
    private static int Fitting(IReadOnlyList<LeasedMessage> messages)
    {
        long average = Math.Max(1, messages.Sum(message => (long)message.Body.Length) / messages.Count);
        return (int)Math.Max(1, MaximumCharacters / (average * CallSize));
    }
}
