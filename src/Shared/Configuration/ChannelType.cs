namespace FinanceIngest.Configuration;

/// <summary>The ways by which the notifier tells people and programs of alerts.</summary>
public enum ChannelType
{
    /// <summary>Mail.</summary>
    Smtp,

    /// <summary>A signed POST, as https://www.standardwebhooks.com describes it.</summary>
    Webhook,

    /// <summary>An incoming webhook of Slack.</summary>
    Slack,

    /// <summary>A workflow of Microsoft Teams that takes webhooks.</summary>
    Teams,

    /// <summary>Web push (RFC 8030) to the browsers of users.</summary>
    WebPush,

    /// <summary>A request whose address, headers and body the operator writes as templates, such as an SMS gateway takes.</summary>
    Http,
}
