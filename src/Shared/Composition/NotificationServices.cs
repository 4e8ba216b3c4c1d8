using FinanceIngest.Configuration;
using FinanceIngest.Notifications;
using FinanceIngest.Notifications.Channels;
using Microsoft.Extensions.DependencyInjection;

namespace FinanceIngest.Composition;

/// <summary>Registers the channels of the notifier.</summary>
public static class NotificationServices
{
    /// <summary>Adds what makes channels, after each channel's templates were tried. No connection is opened yet.</summary>
    /// <exception cref="SettingsException">A template can't be used.</exception>
    public static IServiceCollection AddNotificationChannels(this IServiceCollection services, Settings settings)
    {
        foreach (ChannelSettings channel in settings.Notify.Channels.Where(channel => channel.Type != ChannelType.Webhook))
        {
            _ = new MessageTexts(channel);
        }

        services.AddSingleton(provider => new ChannelHttp(provider.GetRequiredService<TimeProvider>(), new GuardedConnector()));
        services.AddSingleton<ChannelFactory>();
        services.AddSingleton(ChannelTests.Of);
        return services;
    }
}
