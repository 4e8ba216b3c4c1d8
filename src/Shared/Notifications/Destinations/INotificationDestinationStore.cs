using FinanceIngest.Ground;

namespace FinanceIngest.Notifications.Destinations;

/// <summary>The addresses that users gave.</summary>
internal interface INotificationDestinationStore
{
    /// <summary>The most addresses that one user has; adding one more takes the place of the oldest.</summary>
    const int MostOfUser = 20;

    /// <summary>
    /// Adds an address, or replaces the one with the same id. A user's address that is the same but for its id is replaced as well, so that a browser that
    /// subscribes again is not told twice.
    /// </summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task PutAsync(NotificationDestination destination, CancellationToken cancellationToken);

    /// <summary>Removes a user's address.</summary>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<bool> RemoveAsync(long userId, Guid id, CancellationToken cancellationToken);

    /// <summary>Returns the addresses of users, each user's oldest first.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<IReadOnlyList<NotificationDestination>> ListAsync(IReadOnlyCollection<long> userIds, CancellationToken cancellationToken);
}
