namespace FinanceIngest.Ground;

/// <summary>A queue could not be reached or refused work: an outage, never the fault of a message.</summary>
/// <param name="queue">The queue's name.</param>
/// <param name="problem">One sentence that says what went wrong.</param>
/// <param name="cause">The failure behind it.</param>
public sealed class QueueUnavailableException(string queue, string problem, Exception cause) : Exception($"Queue '{queue}' is unavailable: {problem}", cause)
{
    /// <param name="queue">The queue's name.</param>
    /// <param name="cause">The failure, whose message says what went wrong.</param>
    public QueueUnavailableException(string queue, Exception cause)
        : this(queue, cause.Message, cause)
    {
    }
}
