using FinanceIngest.Ground;

namespace FinanceIngest.Notifications.Deliveries;

/// <summary>What was told to people lately, for whoever follows it.</summary>
internal interface IFinishedDeliveries
{
    /// <summary>Reads deliveries that were sent, given up or skipped, in the order in which they were.</summary>
    /// <param name="after">Those after this one: by the time at which they were finished (UTC), and by their numbers.</param>
    /// <param name="maximum">The most deliveries.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="StoreUnavailableException">The database can't be reached, or refuses the right.</exception>
    Task<IReadOnlyList<DeliveryRecord>> ReadFinishedAsync((DateTime FinishedAt, long Id) after, int maximum, CancellationToken cancellationToken);
}
