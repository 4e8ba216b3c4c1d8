namespace FinanceIngest.Poison;

/// <summary>The result of putting poison messages back, or of dropping them.</summary>
public sealed record PoisonOutcome
{
    /// <summary>Ids of the messages that were put back or dropped completely: neither their records nor their copies remain.</summary>
    public IReadOnlyList<string> Done { get; init; } = [];

    /// <summary>Messages of the poison queue without a record that were put back.</summary>
    public int DoneWithoutRecord { get; init; }

    /// <summary>Messages that stay as they are, because putting them back would do harm.</summary>
    public IReadOnlyList<PoisonRefusal> Refused { get; init; } = [];

    /// <summary>Ids under which there is no record.</summary>
    public IReadOnlyList<string> Unknown { get; init; } = [];

    /// <summary>
    /// Messages of the poison queue that another process held at the time. When it is not 0, no record is removed, because a held message may be the copy of a
    /// record and would come back without it; the call has to be repeated for <see cref="Unfinished"/>.
    /// </summary>
    public long OutOfReach { get; init; }

    /// <summary>
    /// Ids of messages that were put back, or were to be dropped, but whose records stay. Repeating the call is harmless and finishes the work.
    /// </summary>
    public IReadOnlyList<string> Unfinished { get; init; } = [];
}

/// <summary>A message that was not put back.</summary>
/// <param name="MessageId">The message's id.</param>
/// <param name="Reason">Why it was not put back, in one line.</param>
public sealed record PoisonRefusal(string MessageId, string Reason);
