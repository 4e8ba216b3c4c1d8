using FinanceIngest.Ground;

namespace FinanceIngest.Notifications.Deliveries;

/// <summary>
/// The deliveries of alerts, one row for each alert, channel and address. A channel belongs to one process at a time, by a claim that ends by itself: so one
/// process makes its messages and sends them, and nobody makes a second message of the same alert.
/// </summary>
internal interface IDeliveryStore
{
    /// <summary>Writes deliveries. One that exists stays as it is, so that an alert that is received again changes nothing.</summary>
    /// <returns>How many are new.</returns>
    /// <exception cref="StoreUnavailableException">The database can't be reached; none was written.</exception>
    Task<int> AddAsync(IReadOnlyCollection<NewDelivery> deliveries, CancellationToken cancellationToken);

    /// <summary>Claims a channel, or extends the owner's own claim.</summary>
    /// <returns>The channel's circuit; null: another process has the channel.</returns>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<CircuitState?> ClaimChannelAsync(string channel, Guid owner, TimeSpan lease, CancellationToken cancellationToken);

    /// <summary>Ends the owner's claim, and keeps the channel's circuit. Nothing is changed where another process has the channel.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="owner">The process that claimed it.</param>
    /// <param name="circuit">What is known of the channel.</param>
    /// <param name="error">What went wrong last, in one line; null: nothing did.</param>
    /// <param name="cancellationToken">Cancels the statement.</param>
    /// <exception cref="StoreUnavailableException">The database can't be reached; the claim ends by itself.</exception>
    Task ReleaseChannelAsync(string channel, Guid owner, CircuitState circuit, string? error, CancellationToken cancellationToken);

    /// <summary>Returns held alerts by their addresses, where at least one is due.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="addresses">The most addresses.</param>
    /// <param name="alerts">The most alerts of each address.</param>
    /// <param name="recent">The most recent messages of each address.</param>
    /// <param name="cancellationToken">Cancels the reading.</param>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<IReadOnlyList<HeldGroup>> ReadHeldAsync(string channel, int addresses, int alerts, int recent, CancellationToken cancellationToken);

    /// <summary>Makes messages of held alerts, all in one transaction. A message some of whose alerts are held no more is not made.</summary>
    /// <returns>False: the owner's claim has ended, and nothing was changed.</returns>
    /// <exception cref="StoreUnavailableException">The database can't be reached; nothing was changed.</exception>
    Task<bool> AssembleAsync(string channel, Guid owner, Assembly assembly, CancellationToken cancellationToken);

    /// <summary>Returns messages that are to be sent now, the longest due first.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<IReadOnlyList<DueMessage>> ReadDueAsync(string channel, int maximum, CancellationToken cancellationToken);

    /// <summary>Writes how attempts ended. What is sent, given up or gone already stays so.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached; nothing was written.</exception>
    Task SettleAsync(string channel, IReadOnlyCollection<Settlement> settlements, CancellationToken cancellationToken);

    /// <summary>Returns when the next held alert or message of a channel is due (UTC); null: there is none.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<DateTime?> NextDueAsync(string channel, CancellationToken cancellationToken);

    /// <summary>Counts alerts that are held or wait, by channel, and those of each channel that were given up. Channels without any are not listed.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<IReadOnlyList<ChannelCounts>> CountAsync(CancellationToken cancellationToken);

    /// <summary>Lists deliveries, the newest first.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<IReadOnlyList<DeliveryRecord>> ListAsync(DeliveryFilter filter, int maximum, CancellationToken cancellationToken);

    /// <summary>
    /// Has messages sent again under their ids, whatever had become of them. One that waits is tried at once; a row that is held or was skipped stays as it is.
    /// </summary>
    /// <param name="rows">Rows of the messages; any one row of a digest stands for all of it.</param>
    /// <param name="giveUpAt">When they are given up (UTC).</param>
    /// <param name="cancellationToken">Cancels the writing.</param>
    /// <returns>How many messages will be sent.</returns>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<int> SendAgainAsync(IReadOnlyCollection<long> rows, DateTime giveUpAt, CancellationToken cancellationToken);

    /// <summary>Removes what was sent, given up or skipped before an instant.</summary>
    /// <returns>How many rows were removed.</returns>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<int> RemoveFinishedAsync(DateTime before, CancellationToken cancellationToken);
}

/// <summary>The deliveries of a channel.</summary>
/// <param name="Channel">Its name.</param>
/// <param name="Open">Held or waiting.</param>
/// <param name="GivenUp">Given up.</param>
internal readonly record struct ChannelCounts(string Channel, long Open, long GivenUp);
