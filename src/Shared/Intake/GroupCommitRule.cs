namespace FinanceIngest.Intake;

/// <summary>
/// Decides when the message that gathers transactions is sent. A message leaves at once while nothing else is being sent. While something is, requests gather
/// until their message is worth an operation of its own or no send is under way. The rule has no timer: it waits for events alone.
/// </summary>
/// <remarks>It knows no queue, no clock and no request, and belongs to the one loop that asks it.</remarks>
/// <param name="isWorkWaiting">Whether work waits for a thread of this process, so that requests that have arrived may not have been read yet.</param>
internal sealed class GroupCommitRule(Func<bool> isWorkWaiting)
{
    /// <summary>At most this many sends run at once.</summary>
    internal const int MaximumConcurrentSends = 8;

    /// <summary>
    /// A message of this many transactions leaves while others are being sent, though there is room for more. If it waited for them, requests that come from a
    /// fixed number of connections would wait out the send of the others first and then their own, which over a network doubles their time. With fewer
    /// transactions in a message, the queue would be asked too often: at this number a put and a delete make 20 operations for 1,000 transactions.
    /// </summary>
    internal const int WorthASend = 100;

    /// <summary>How often a message lets waiting work run before it leaves.</summary>
    internal const int MaximumYields = 8;

    private int _yields;

    /// <summary>The next step of the loop.</summary>
    /// <param name="fill">How full the message is.</param>
    /// <param name="count">How many transactions the message holds.</param>
    /// <param name="sending">Messages that are being sent.</param>
    public SendStep Next(MessageFill fill, int count, int sending) => fill switch
    {
        MessageFill.Empty => SendStep.WaitFor(1),

        // Only the end of a send makes room.
        not MessageFill.Empty when sending >= MaximumConcurrentSends => SendStep.WaitForSend,
        MessageFill.Partial when sending > 0 && count < WorthASend => SendStep.WaitFor(WorthASend - count),

        // Requests that have arrived and wait for a thread come along; where there are none, one yield costs next to nothing.
        MessageFill.Partial when _yields == 0 || (_yields < MaximumYields && isWorkWaiting()) => LetOthersRun(),
        _ => Send(),
    };

    private SendStep LetOthersRun()
    {
        _yields++;
        return SendStep.LetOthersRun;
    }

    private SendStep Send()
    {
        _yields = 0;
        return SendStep.Send;
    }
}

/// <summary>How full a message is.</summary>
internal enum MessageFill
{
    /// <summary>It holds no transaction.</summary>
    Empty,

    /// <summary>It holds some, and another one fits as far as is known.</summary>
    Partial,

    /// <summary>The next transaction did not fit.</summary>
    Full,
}

/// <summary>What the loop that sends messages does next.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="Transactions">For <see cref="SendStepKind.Wait"/>: the wait ends when so many transactions are in no message.</param>
internal readonly record struct SendStep(SendStepKind Kind, int Transactions = 0)
{
    /// <summary>The message is sent, and another one gathers.</summary>
    public static readonly SendStep Send = new(SendStepKind.Send);

    /// <summary>Other work of the process runs first.</summary>
    public static readonly SendStep LetOthersRun = new(SendStepKind.LetOthersRun);

    /// <summary>The loop waits for the end of a send, however many transactions arrive.</summary>
    public static readonly SendStep WaitForSend = WaitFor(int.MaxValue);

    /// <summary>The loop waits for so many transactions, or for the end of a send.</summary>
    public static SendStep WaitFor(int transactions) => new(SendStepKind.Wait, transactions);
}

/// <summary>Kinds of <see cref="SendStep"/>.</summary>
internal enum SendStepKind
{
    /// <summary>Wait for transactions or for the end of a send.</summary>
    Wait,

    /// <summary>Give up the thread once.</summary>
    LetOthersRun,

    /// <summary>Send the message.</summary>
    Send,
}
