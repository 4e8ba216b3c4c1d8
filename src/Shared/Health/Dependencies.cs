using FinanceIngest.Ground;

namespace FinanceIngest.Health;

/// <summary>The services that this process depends on, each with the outcome of its last use.</summary>
internal sealed class Dependencies
{
    /// <summary>The inbound queue.</summary>
    public DependencyStatus InboundQueue { get; } = new("inbound_queue");

    /// <summary>The poison queue.</summary>
    public DependencyStatus PoisonQueue { get; } = new("poison_queue");

    /// <summary>The alert queue.</summary>
    public DependencyStatus AlertQueue { get; } = new("alert_queue");

    /// <summary>The alert queue's poison queue, which only a notifier uses.</summary>
    public DependencyStatus AlertPoisonQueue { get; } = new("alert_poison_queue");

    /// <summary>The database.</summary>
    public DependencyStatus Database { get; } = new("database");

    /// <summary>The file of the signing key, where the installation has one.</summary>
    public DependencyStatus SigningKey { get; } = new("signing_key");

    /// <summary>All dependencies.</summary>
    public IEnumerable<DependencyStatus> All => [InboundQueue, PoisonQueue, AlertQueue, Database, SigningKey];
}
