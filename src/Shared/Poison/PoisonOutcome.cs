namespace FinanceIngest.Poison;

/// <summary>What became of an operator's wish about poison messages.</summary>
public sealed record PoisonOutcome
{
    /// <summary>Ids of the messages that were put back, or dropped, to the end: nothing of them remains.</summary>
    public IReadOnlyList<string> Done { get; init; } = [];

    /// <summary>Messages of the poison queue without a record that were put back.</summary>
    public int DoneWithoutRecord { get; init; }

    /// <summary>Messages that stay as they are because putting them back could do nothing but harm.</summary>
    public IReadOnlyList<PoisonRefusal> Refused { get; init; } = [];

    /// <summary>Ids under which there is no record.</summary>
    public IReadOnlyList<string> Unknown { get; init; } = [];

    /// <summary>
    /// Messages of the poison queue that another process held at the time. While there are any, no record is removed: their copies may
    /// be among them, and would return without it. <see cref="Unfinished"/> is then to be repeated.
    /// </summary>
    public long OutOfReach { get; init; }

    /// <summary>Ids whose record stays although they were put back, or were to be dropped: repeating it is harmless and finishes it.</summary>
    public IReadOnlyList<string> Unfinished { get; init; } = [];
}

/// <summary>A message that is not put back.</summary>
/// <param name="MessageId">Its id.</param>
/// <param name="Reason">Why, in one line.</param>
public sealed record PoisonRefusal(string MessageId, string Reason);
