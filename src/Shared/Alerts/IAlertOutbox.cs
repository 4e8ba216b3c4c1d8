using FinanceIngest.Ground;

namespace FinanceIngest.Alerts;

/// <summary>Alerts that are written together with their anomaly's row and sent afterwards.</summary>
public interface IAlertOutbox
{
    /// <summary>
    /// Takes up to <paramref name="maximum"/> unsent alerts that nobody holds, oldest first, for <paramref name="lease"/>. A short
    /// statement: nothing is locked while the alerts are sent.
    /// </summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<IReadOnlyList<ClaimedAlert>> ClaimAsync(Guid owner, int maximum, TimeSpan lease, CancellationToken cancellationToken);

    /// <summary>Marks alerts as sent if <paramref name="owner"/> still holds them; returns how many it did.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<int> MarkSentAsync(Guid owner, IReadOnlyCollection<Guid> alertIds, CancellationToken cancellationToken);

    /// <summary>Gives alerts back that could not be sent.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task ReleaseAsync(Guid owner, IReadOnlyCollection<Guid> alertIds, CancellationToken cancellationToken);

    /// <summary>Alerts not yet sent.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<long> CountUnsentAsync(CancellationToken cancellationToken);

    /// <summary>Removes alerts sent before an instant; returns how many.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<int> RemoveSentAsync(DateTime before, CancellationToken cancellationToken);
}

/// <summary>An alert that its claimer may send.</summary>
/// <param name="AlertId">The same however often the alert is sent.</param>
/// <param name="Payload">JSON of the alert message.</param>
/// <param name="TraceParent">The W3C trace context that the alert continues; null where there is none, or where a program wrote the row that kept none.</param>
/// <param name="Attempts">Claims so far, this one included.</param>
public sealed record ClaimedAlert(Guid AlertId, string Payload, string? TraceParent, int Attempts);
