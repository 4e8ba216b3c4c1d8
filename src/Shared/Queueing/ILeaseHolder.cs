namespace FinanceIngest.Queueing;

/// <summary>Which messages are still this process's to commit for.</summary>
internal interface ILeaseHolder
{
    /// <summary>Whether nobody else can have the message yet. From any thread, also while a write transaction is open: it takes no time.</summary>
    bool IsHeld(LeasedMessage message);

    /// <summary>From now on the message is another worker's, for good: counts it, once.</summary>
    /// <param name="message">The message.</param>
    /// <param name="stage">Where it showed: <c>renew</c>, <c>commit</c> or <c>delete</c>.</param>
    void Lose(LeasedMessage message, string stage);
}
