using FinanceIngest.Ground;

namespace FinanceIngest.Notifications.Destinations;

/// <summary>The addresses that users gave.</summary>
internal interface INotificationDestinationStore
{
    /// <summary>The most addresses that one user has; adding one more takes the place of the oldest.</summary>
    const int MostOfUser = 20;

    /// <summary>
    /// Adds an address. One that has the same id stays as it is. Of a user's addresses that are the same but for their ids the last one holds, in whatever
    /// order they come, so that a browser that subscribes again is not told twice. An address that was taken back, made room for another one, or was given
    /// before its user was erased, is not added.
    /// </summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task PutAsync(NotificationDestination destination, CancellationToken cancellationToken);

    /// <summary>Takes a user's address back: it goes, and is not added any more, not even where the command that adds it comes later.</summary>
    /// <param name="userId">1 … 2^63−1.</param>
    /// <param name="id">The address, which need not be there.</param>
    /// <param name="acceptedAt">When that was accepted (UTC). Where the user was erased since, there is nothing to do.</param>
    /// <param name="cancellationToken">Abandons the write.</param>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task TakeBackAsync(long userId, Guid id, DateTime acceptedAt, CancellationToken cancellationToken);

    /// <summary>Removes an address that leads nowhere any more. Nothing is kept of it.</summary>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<bool> RemoveAsync(long userId, Guid id, CancellationToken cancellationToken);

    /// <summary>Returns the addresses of users, each user's oldest first.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<IReadOnlyList<NotificationDestination>> ListAsync(IReadOnlyCollection<long> userIds, CancellationToken cancellationToken);
}
