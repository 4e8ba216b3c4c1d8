using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Notifications.Channels;
using FinanceIngest.Notifications.Destinations;
using FinanceIngest.Transactions;
using Microsoft.Extensions.DependencyInjection;

namespace FinanceIngest.Notifications;

/// <summary>Sends a made-up alert through channels, for an operator who has just set them up. No delivery is written.</summary>
public sealed class ChannelTests
{
    private readonly Settings _settings;
    private readonly ChannelFactory _factory;
    private readonly INotificationDestinationStore _destinations;
    private readonly TimeProvider _time;

    internal ChannelTests(Settings settings, ChannelFactory factory, INotificationDestinationStore destinations, TimeProvider time)
    {
        _settings = settings;
        _factory = factory;
        _destinations = destinations;
        _time = time;
    }

    /// <summary>Makes one of the services of a process.</summary>
    public static ChannelTests Of(IServiceProvider services) => new(
        services.GetRequiredService<Settings>(), services.GetRequiredService<ChannelFactory>(), services.GetRequiredService<INotificationDestinationStore>(),
        services.GetRequiredService<TimeProvider>());

    /// <summary>Sends one message to each fixed address and, where a user is given, to each of the user's own.</summary>
    /// <param name="channel">The channel's name; null: every channel.</param>
    /// <param name="userId">The user; null: fixed addresses only, and the database is not asked.</param>
    /// <param name="cancellationToken">Ends the test.</param>
    /// <exception cref="StoreUnavailableException">The user's addresses can't be read.</exception>
    public async Task<IReadOnlyList<ChannelTestOutcome>> RunAsync(string? channel, long? userId, CancellationToken cancellationToken)
    {
        IReadOnlyList<NotificationDestination> own = userId is { } user ? await _destinations.ListAsync([user], cancellationToken) : [];
        var outcomes = new List<ChannelTestOutcome>();
        foreach (ChannelSettings settings in _settings.Notify.Channels.Where(settings => channel is null || settings.Name == channel))
        {
            NotificationDestination?[] addresses =
            [
                .. settings.HasFixedAddress ? new NotificationDestination?[] { null } : [],
                .. settings.ToUsers ? own.Where(address => address.Type == settings.Type) : [],
            ];
            await using INotificationChannel tested = _factory.Create(settings);
            foreach (NotificationDestination? address in addresses)
            {
                Notification notification = SampleNotifications.Test(_time.UtcNowMicroseconds()) with { Destination = address };
                SendOutcome outcome = await tested.SendAsync(notification, cancellationToken);
                outcomes.Add(new ChannelTestOutcome(
                    settings.Name, settings.Type, address is null ? null : DestinationFields.Mask(address), outcome.Result == SendResult.Delivered,
                    outcome.Problem));
            }

            if (addresses.Length == 0)
            {
                outcomes.Add(new ChannelTestOutcome(
                    settings.Name, settings.Type, null, false, "It goes to users' own addresses only: give a user who has one with --user."));
            }

            await tested.RestAsync();
        }

        return outcomes;
    }
}

/// <summary>How the test of a channel ended.</summary>
/// <param name="Channel">The channel's name.</param>
/// <param name="Type">The channel's type.</param>
/// <param name="Address">The user's address, masked; null: the channel's fixed addresses.</param>
/// <param name="IsDelivered">Whether the receiver took the message.</param>
/// <param name="Problem">What went wrong; null: nothing.</param>
public sealed record ChannelTestOutcome(string Channel, ChannelType Type, string? Address, bool IsDelivered, string? Problem);
