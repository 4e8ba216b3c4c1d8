using FinanceIngest.Ground;
using FinanceIngest.Queueing;

namespace FinanceIngest.Scoring;

/// <summary>
/// Receives batches whose size follows the backlog. A queue hands out at most 32 messages at a time; as long as every call comes back full,
/// more calls go side by side, up to what the size of the messages allows. Messages so large that one full call would be too much are asked for fewer at a time.
/// </summary>
/// <param name="queue">The queue.</param>
/// <param name="lease">The messages' lease.</param>
internal sealed class BatchReceiver(IMessageQueue queue, TimeSpan lease)
{
    /// <summary>What the texts of a batch should stay below, in characters: 32 full messages, some 7,000 transactions.</summary>
    public const int MaximumCharacters = 2 * 1024 * 1024;

    /// <summary>
    /// What it should stay below as it comes from its queue, in bytes. What an answer of an Azure queue takes while it is read is a multiple of it: 16 full messages, where an embedded
    /// queue, which packs them, gives 32.
    /// </summary>
    public const int MaximumReceived = 1024 * 1024;

    private const int LargestCall = 32;
    private const int MaximumCalls = 16;
    private int _callSize = LargestCall;
    private int _calls = 1;

    /// <summary>The next batch; empty when there is nothing.</summary>
    /// <exception cref="QueueUnavailableException">The queue can't be reached.</exception>
    public async Task<IReadOnlyList<LeasedMessage>> ReceiveAsync(CancellationToken cancellationToken)
    {
        (int calls, int callSize) = (_calls, _callSize);
        IReadOnlyList<LeasedMessage> messages = calls == 1
            ? await queue.ReceiveAsync(callSize, lease, cancellationToken)
            : await ReceiveSideBySideAsync(calls, cancellationToken);
        bool isFull = messages.Count == calls * callSize;
        int fitting = messages.Count == 0 ? _callSize : Fitting(messages);
        _callSize = Math.Min(fitting, LargestCall);
        _calls = isFull ? Math.Clamp(fitting / LargestCall, 1, Math.Min(calls * 2, MaximumCalls)) : Math.Clamp(messages.Count / LargestCall, 1, calls);
        return messages;
    }

    private async Task<IReadOnlyList<LeasedMessage>> ReceiveSideBySideAsync(int calls, CancellationToken cancellationToken)
    {
        Task<IReadOnlyList<LeasedMessage>>[] receives = [.. Enumerable.Range(0, calls).Select(_ => queue.ReceiveAsync(LargestCall, lease, cancellationToken))];
        await ((Task)Task.WhenAll(receives)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        List<LeasedMessage> messages = [.. receives.Where(receive => receive.IsCompletedSuccessfully).SelectMany(receive => receive.Result)];
        if (messages.Count == 0)
        {
            // Throws what a call failed with, if one did. Else what was received goes first: the next call will show whether it is over.
            await Task.WhenAll(receives);
        }

        return messages;
    }

    // Messages that, as large as these on average, stay within the limit.
    private static int Fitting(IReadOnlyList<LeasedMessage> messages)
    {
        long characters = Math.Max(1, messages.Sum(message => (long)message.Body.Length) / messages.Count);
        long received = Math.Max(1, messages.Sum(message => (long)message.Body.ReceivedLength) / messages.Count);
        return (int)Math.Max(1, Math.Min(MaximumCharacters / characters, MaximumReceived / received));
    }
}
