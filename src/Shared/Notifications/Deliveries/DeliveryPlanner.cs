using FinanceIngest.Configuration;
using FinanceIngest.Notifications.Destinations;

namespace FinanceIngest.Notifications.Deliveries;

/// <summary>Decides to which addresses an alert goes, and when. Pure: the same alert at the same time always goes the same ways.</summary>
/// <param name="channels">The channels of the settings.</param>
internal sealed class DeliveryPlanner(IReadOnlyList<ChannelSettings> channels)
{
    /// <summary>Whether any channel goes to addresses that users gave.</summary>
    public bool AsksUsers { get; } = channels.Any(channel => channel.ToUsers);

    /// <summary>Returns the deliveries of an alert.</summary>
    /// <param name="alert">The alert.</param>
    /// <param name="destinations">The addresses of its user.</param>
    /// <param name="now">UTC.</param>
    public IEnumerable<NewDelivery> Plan(NotifiedAlert alert, IEnumerable<NotificationDestination> destinations, DateTime now)
    {
        NotificationDestination[] own = [.. destinations];
        foreach (ChannelSettings channel in channels)
        {
            if (channel.HasFixedAddress)
            {
                yield return Plan(alert, channel, null, now);
            }

            foreach (NotificationDestination destination in channel.ToUsers ? own.Where(destination => destination.Type == channel.Type) : [])
            {
                yield return Plan(alert, channel, destination, now);
            }
        }
    }

    private static NewDelivery Plan(NotifiedAlert alert, ChannelSettings channel, NotificationDestination? destination, DateTime now)
    {
        Guid address = destination?.Id ?? Guid.Empty;
        double? minimum = destination?.MinimumSurprise ?? channel.MinimumSurprise;
        if (minimum is { } rare && alert.Surprise is { } surprise && surprise * rare > 1)
        {
            return new NewDelivery(alert, channel.Name, address, DeliveryState.Skipped, HoldReason.None, null, null, now);
        }

        if (channel.Digest is { } digest)
        {
            return new NewDelivery(alert, channel.Name, address, DeliveryState.Held, HoldReason.Digest, now + digest, null, now);
        }

        if ((destination?.Quiet ?? channel.Quiet)?.EndAt(now) is { } end)
        {
            return new NewDelivery(alert, channel.Name, address, DeliveryState.Held, HoldReason.QuietHours, end, null, now);
        }

        // Whether the hour has room for another message is known to the channel's owner alone.
        return channel.MostPerHour is null
            ? new NewDelivery(alert, channel.Name, address, DeliveryState.Waiting, HoldReason.None, now, now + channel.GiveUpAfter, now)
            : new NewDelivery(alert, channel.Name, address, DeliveryState.Held, HoldReason.None, now, null, now);
    }
}
