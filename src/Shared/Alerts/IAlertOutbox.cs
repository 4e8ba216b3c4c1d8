using FinanceIngest.Ground;

namespace FinanceIngest.Alerts;

/// <summary>Alerts, each written in the transaction that writes its anomaly's row, and sent afterwards.</summary>
public interface IAlertOutbox
{
    /// <summary>
    /// Claims unsent alerts, oldest first, in a short statement; nothing is locked while they are sent. An alert that is claimed already can be claimed again
    /// only when that claim has ended.
    /// </summary>
    /// <param name="owner">The claiming dispatcher; only it can mark or release the alerts.</param>
    /// <param name="maximum">How many alerts are claimed at most.</param>
    /// <param name="lease">How long the claim holds.</param>
    /// <param name="cancellationToken">Cancels the statement.</param>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<IReadOnlyList<ClaimedAlert>> ClaimAsync(Guid owner, int maximum, TimeSpan lease, CancellationToken cancellationToken);

    /// <summary>
    /// Marks alerts as sent, but only those that <paramref name="owner"/> was the last to claim. The end of a claim does not matter as long as nobody
    /// else has claimed the alert since.
    /// </summary>
    /// <returns>How many alerts were marked.</returns>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<int> MarkSentAsync(Guid owner, IReadOnlyCollection<Guid> alertIds, CancellationToken cancellationToken);

    /// <summary>Ends the owner's claims on alerts that it could not send, so that they can be claimed at once.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task ReleaseAsync(Guid owner, IReadOnlyCollection<Guid> alertIds, CancellationToken cancellationToken);

    /// <summary>Counts the alerts that are not marked as sent, claimed or not.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<long> CountUnsentAsync(CancellationToken cancellationToken);

    /// <summary>Removes alerts that were marked as sent before an instant.</summary>
    /// <returns>How many alerts were removed.</returns>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<int> RemoveSentAsync(DateTime before, CancellationToken cancellationToken);
}

/// <summary>An alert that its claimer may send.</summary>
/// <param name="AlertId">Identifies the alert; every send of it has the same id.</param>
/// <param name="Payload">The alert message, as JSON.</param>
/// <param name="TraceParent">The W3C trace context that the alert continues; null if there is none, or if an older program wrote the row.</param>
/// <param name="Attempts">How often the alert has been claimed, this claim included; from 1.</param>
public sealed record ClaimedAlert(Guid AlertId, string Payload, string? TraceParent, int Attempts);
