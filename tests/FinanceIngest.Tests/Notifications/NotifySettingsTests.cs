using FinanceIngest.Composition;
using FinanceIngest.Configuration;
using FinanceIngest.Notifications;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace FinanceIngest.Tests.Notifications;

/// <summary>A wrong setting of the notifier is told in one line that names it.</summary>
public sealed class NotifySettingsTests
{
    [Theory]
    [InlineData("Channels__x__Type", "Channels__x__Url=https://a.example")]
    [InlineData("Channels__x__Type", "Channels__x__Type=fax")]
    [InlineData("Channels__x__Sekret", "Channels__x__Type=webhook", "Channels__x__Sekret=1")]
    [InlineData("Channels__x__Secret", "Channels__x__Type=slack", "Channels__x__Url=https://a.example", "Channels__x__Secret=1")]
    [InlineData("Channels__x__Text", "Channels__x__Type=webhook", "Channels__x__Text=1")]
    [InlineData("Channels__x__Url", "Channels__x__Type=webhook", "Channels__x__Url=ftp://a.example")]
    [InlineData("Channels__x__Secret", "Channels__x__Type=webhook", "Channels__x__Url=https://a.example", "Channels__x__Secret=whsec_c2hvcnQ=")]
    [InlineData("Channels__x__Host", "Channels__x__Type=smtp", "Channels__x__From=a@b.example", "Channels__x__To=a@b.example")]
    [InlineData("Channels__x__From", "Channels__x__Type=smtp", "Channels__x__Host=h", "Channels__x__From=nobody", "Channels__x__To=a@b.example")]
    [InlineData("Channels__x__To", "Channels__x__Type=smtp", "Channels__x__Host=h", "Channels__x__From=a@b.example")]
    [InlineData(
        "Channels__x__User", "Channels__x__Type=smtp", "Channels__x__Host=h", "Channels__x__From=a@b.example", "Channels__x__To=a@b.example",
        "Channels__x__User=u")]
    [InlineData(
        "Channels__x__Security", "Channels__x__Type=smtp", "Channels__x__Host=h", "Channels__x__From=a@b.example", "Channels__x__To=a@b.example",
        "Channels__x__User=u", "Channels__x__Password=p", "Channels__x__Security=none")]
    [InlineData("Channels__x__Token__File",
        "Channels__x__Type=smtp", "Channels__x__Host=h", "Channels__x__From=a@b.example", "Channels__x__To=a@b.example", "Channels__x__User=u",
        "Channels__x__Password=p", "Channels__x__Token__File=f")]
    [InlineData("Channels__x__QuietHours__TimeZone",
        "Channels__x__Type=slack", "Channels__x__Url=https://a.example", "Channels__x__QuietHours__From=22:00", "Channels__x__QuietHours__Until=07:00",
        "Channels__x__QuietHours__TimeZone=Europe/Atlantis")]
    [InlineData("Channels__x__QuietHours__Until", "Channels__x__Type=slack", "Channels__x__QuietHours__From=22:00")]
    [InlineData("Channels__x__MostPerHour", "Channels__x__Type=slack", "Channels__x__MostPerHour=0")]
    [InlineData(
        "Channels__x__PublicKey", "Channels__x__Type=webpush", "Channels__x__PublicKey=AA", "Channels__x__PrivateKey=AA",
        "Channels__x__Contact=mailto:a@b.example")]
    [InlineData("Channels__x__Url", "Channels__x__Type=http", "Channels__x__Url=https://{{ alert.user_id }}.example/")]
    [InlineData("Channels__x__Method", "Channels__x__Type=http", "Channels__x__Url=https://a.example/", "Channels__x__Method=DELETE")]
    [InlineData("Channels__no+name", "Channels__no+name__Type=slack")]
    [InlineData("ConsumeAlertQueue", "ConsumeAlertQueue=true")]
    [InlineData("ConsumeAlertQueue", "ConsumeAlertQueue=yes")]
    [InlineData("LinkTemplate", "LinkTemplate=https://a.example/{id}")]
    [InlineData("Chanels__x__Type", "Chanels__x__Type=slack")]
    public void A_wrong_setting_is_named(string setting, params string[] settings)
    {
        SettingsException refusal = Assert.Throws<SettingsException>(() => Read([.. settings]));

        Assert.Equal($"FinanceIngest__Notify__{setting}", refusal.Setting);
        Assert.DoesNotContain('\n', refusal.Message);
    }

    [Theory]
    [InlineData("Text", "{{ alert.ammount }}", "usual_high")]
    [InlineData("Text", "{{ kount }}", "kount")]
    [InlineData("Text", "{% if alert %}", "")]
    [InlineData("Subject", "{{ alert.amount | monney }}", "monney")]
    public void A_template_that_cant_be_used_is_told_at_the_start(string name, string template, string named)
    {
        Settings settings = NotifierHarness.Read(
            ("Channels__x__Type", "slack"), ("Channels__x__Url", "https://a.example"), ($"Channels__x__{name}", template));

        SettingsException refusal = Assert.Throws<SettingsException>(() => new ServiceCollection().AddNotificationChannels(settings));

        Assert.Equal($"FinanceIngest__Notify__Channels__x__{name}", refusal.Setting);
        Assert.Contains(named, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_notifier_is_idle_without_a_channel_and_on_azure_queues_unless_it_is_told()
    {
        string[] channel = ["Channels__x__Type=slack", "Channels__x__Url=https://a.example"];

        Assert.False(Read([]).Roles.HasFlag(Roles.Notifier));
        Assert.True(Read(channel).Roles.HasFlag(Roles.Notifier));
        Assert.False(Read(channel, isOnAzure: true).Roles.HasFlag(Roles.Notifier));
        Assert.True(Read([.. channel, "ConsumeAlertQueue=true"], isOnAzure: true).Roles.HasFlag(Roles.Notifier));
    }

    [Fact]
    public void Made_keys_are_taken()
    {
        VapidKeys keys = VapidKeys.Make();

        ChannelSettings channel = Assert.Single(Read(
            ["Channels__x__Type=webpush", $"Channels__x__PublicKey={keys.PublicKey}", $"Channels__x__PrivateKey={keys.PrivateKey}",
                "Channels__x__Contact=mailto:a@b.example"])
            .Notify.Channels);

        Assert.True(channel is { ToUsers: true, HasFixedAddress: false });
        Assert.Throws<SettingsException>(() => Read(
            ["Channels__x__Type=webpush", $"Channels__x__PublicKey={keys.PublicKey}", $"Channels__x__PrivateKey={VapidKeys.Make().PrivateKey}",
                "Channels__x__Contact=mailto:a@b.example"]));
    }

    [Fact]
    public void Settings_do_not_tell_their_secrets() =>
        Assert.Equal("x", Read(["Channels__x__Type=webhook", "Channels__x__Url=https://a.example", $"Channels__x__Secret={NotifierHarness.Secret}"])
            .Notify.Channels[0].ToString());

    private static Settings Read(string[] settings, bool isOnAzure = false)
    {
        var values = settings.Select(setting => setting.Split('=', 2))
            .ToDictionary(pair => $"FinanceIngest:Notify:{pair[0].Replace("__", ":", StringComparison.Ordinal)}", pair => (string?)pair[1]);
        if (isOnAzure)
        {
            values["AZURE_STORAGE_CONNECTION_STRING"] = "UseDevelopmentStorage=true";
        }

        return SettingsReader.Read(new ConfigurationBuilder().AddInMemoryCollection(values).Build(), ProgramKind.IngestServer);
    }
}
