namespace FinanceIngest.Overview;

/// <summary>How an installation is, as far as it could be asked: what is null is unknown.</summary>
public sealed record InstallationFigures
{
    /// <summary>The inbound queue.</summary>
    public InboundFigures? Inbound { get; init; }

    /// <summary>The poison queue.</summary>
    public QueueFigures? Poison { get; init; }

    /// <summary>The alert queue.</summary>
    public QueueFigures? Alerts { get; init; }

    /// <summary>The database.</summary>
    public DatabaseFigures? Database { get; init; }

    /// <summary>One sentence for each thing that could not be asked.</summary>
    public IReadOnlyList<string> Problems { get; init; } = [];
}

/// <summary>A queue's figures.</summary>
/// <param name="Length">Messages, leased and delayed ones included; ≥ 0.</param>
/// <param name="OldestSeconds">Age of the oldest message that can be seen, in seconds; 0 when there is none.</param>
public record QueueFigures(long Length, double OldestSeconds);

/// <summary>The inbound queue's figures.</summary>
/// <param name="Length">Messages, leased and delayed ones included; ≥ 0. The marker of unsent alerts is one.</param>
/// <param name="OldestSeconds">Age of the oldest message that can be seen, in seconds; 0 when there is none.</param>
/// <param name="Transactions">Transactions in these messages; null: there are messages, and none of them can be seen.</param>
/// <param name="IsEstimate">Whether <paramref name="Transactions"/> was concluded from some of the messages, as on Azure.</param>
public sealed record InboundFigures(long Length, double OldestSeconds, long? Transactions, bool IsEstimate) : QueueFigures(Length, OldestSeconds);
