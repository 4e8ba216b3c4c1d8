namespace FinanceIngest.Chaos.Storage;

/// <summary>A queue as the harness sees it, without the code under test.</summary>
internal interface IQueueView
{
    /// <summary>Returns the number of messages, including leased and delayed ones, which is what an autoscaler reads.</summary>
    Task<long> LengthAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Returns the number of leased or delayed messages; markers are not counted if <see cref="TellsMarkers"/>. No other process may use the queue at the time.
    /// </summary>
    Task<long> HiddenAsync(CancellationToken cancellationToken);

    /// <summary>Whether <see cref="HiddenAsync"/> can tell a hidden marker of unsent alerts from a message.</summary>
    bool TellsMarkers { get; }

    /// <summary>Puts a text on the queue, as somebody who can write to it might.</summary>
    Task SendAsync(string text, CancellationToken cancellationToken);

    /// <summary>Removes all messages and returns their texts. No other process may receive from the queue at the time.</summary>
    Task<IReadOnlyList<string>> TakeAllAsync(CancellationToken cancellationToken);

    /// <summary>Ends all leases and delays at once, if the storage allows it; otherwise they end by themselves.</summary>
    Task EndLeasesAsync(CancellationToken cancellationToken);

    /// <summary>Returns the problems of the queue's own storage; empty when there are none.</summary>
    Task<string> ProblemAsync(CancellationToken cancellationToken);
}
