namespace FinanceIngest.Chaos.Storage;

/// <summary>A queue as an outsider sees it.</summary>
internal interface IQueueView
{
    /// <summary>Messages, leased and delayed ones included: what an autoscaler looks at.</summary>
    Task<long> LengthAsync(CancellationToken cancellationToken);

    /// <summary>Messages that nobody can receive now: leased or delayed. Markers apart, where <see cref="TellsMarkers"/>. While nobody else uses the queue.</summary>
    Task<long> HiddenAsync(CancellationToken cancellationToken);

    /// <summary>Whether a marker of unsent alerts can be told from a message although it is hidden.</summary>
    bool TellsMarkers { get; }

    /// <summary>Takes everything off the queue and returns the texts, as a consumer does that never fails. For a queue that nobody else receives from.</summary>
    Task<IReadOnlyList<string>> TakeAllAsync(CancellationToken cancellationToken);

    /// <summary>Ends all leases and delays at once, where that can be done from outside; elsewhere they end by themselves.</summary>
    Task EndLeasesAsync(CancellationToken cancellationToken);

    /// <summary>What is wrong with the queue's own storage; empty when nothing is.</summary>
    Task<string> ProblemAsync(CancellationToken cancellationToken);
}
