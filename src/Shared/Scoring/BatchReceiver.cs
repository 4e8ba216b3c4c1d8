using FinanceIngest.Ground;
using FinanceIngest.Queueing;

namespace FinanceIngest.Scoring;

/// <summary>
/// Receives batches whose size follows the backlog. A queue hands out at most 32 messages at a time; as long as every call comes back full, more calls are made
/// side by side, as far as the size of the messages allows. Where one full call would be too large, fewer messages are asked for.
/// </summary>
/// <param name="queue">The queue.</param>
/// <param name="lease">The messages' lease.</param>
internal sealed class BatchReceiver(IMessageQueue queue, TimeSpan lease)
{
    /// <summary>The texts of a batch should stay below this many characters: 32 full messages, some 7,000 transactions.</summary>
    public const int MaximumCharacters = 2 * 1024 * 1024;

    /// <summary>
    /// A batch should stay below this many bytes as it comes from its queue. Reading an answer of an Azure queue takes a multiple of its bytes: this allows 16 full
    /// messages of it, and 32 of an embedded queue, which packs them.
    /// </summary>
    public const int MaximumReceived = 1024 * 1024;

    private const int LargestCall = 32;
    private const int MaximumCalls = 16;
    private int _callSize = LargestCall;
    private int _calls = 1;

    /// <summary>Receives the next batch; it is empty when no message is visible.</summary>
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
            // Throws the failure of a call, if one failed. Where another call received messages, they are processed first, and the next call shows whether the outage lasts.
            await Task.WhenAll(receives);
        }

        return messages;
    }

    // How many messages of this average size stay within both limits.
    private static int Fitting(IReadOnlyList<LeasedMessage> messages)
    {
        long characters = Math.Max(1, messages.Sum(message => (long)message.Body.Length) / messages.Count);
        long received = Math.Max(1, messages.Sum(message => (long)message.Body.ReceivedLength) / messages.Count);
        return (int)Math.Max(1, Math.Min(MaximumCharacters / characters, MaximumReceived / received));
    }
}
