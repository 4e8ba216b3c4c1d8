using FinanceIngest.Configuration;

namespace FinanceIngest.Notifications.Channels;

/// <summary>Makes the channels of the settings. No connection is opened yet.</summary>
internal sealed class ChannelFactory(ChannelHttp http, TimeProvider time)
{
    /// <summary>Makes one channel.</summary>
    /// <exception cref="SettingsException">A template of the channel can't be used.</exception>
    public INotificationChannel Create(ChannelSettings settings) => settings.Type switch
    {
        ChannelType.Smtp => new SmtpChannel(settings, time),
        ChannelType.Webhook => new WebhookChannel(settings, http, time),
        ChannelType.Slack or ChannelType.Teams => new ChatChannel(settings, http),
        ChannelType.WebPush => new WebPushChannel(settings, http),
        ChannelType.Http => new RequestChannel(settings, http),
        _ => throw new ArgumentOutOfRangeException(nameof(settings)),
    };
}
