namespace FinanceIngest.Queueing;

/// <summary>Knows for which messages this process may still commit.</summary>
internal interface ILeaseHolder
{
    /// <summary>
    /// Whether this process still holds the lease, so that no other worker can have the message. It may be asked from any thread, also while a write
    /// transaction is open: it only reads a clock.
    /// </summary>
    bool IsHeld(LeasedMessage message);

    /// <summary>Gives the message up for good, because it may be another worker's. The loss is counted once.</summary>
    /// <param name="message">The message.</param>
    /// <param name="stage">Where the loss showed: <c>renew</c>, <c>commit</c> or <c>delete</c>.</param>
    void Lose(LeasedMessage message, string stage);
}
