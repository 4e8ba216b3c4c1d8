namespace FinanceIngest.Configuration;

/// <summary>The settings of the notifier, validated.</summary>
public sealed record NotifySettings
{
    /// <summary>The channels, in the order of their names.</summary>
    public IReadOnlyList<ChannelSettings> Channels { get; init; } = [];

    /// <summary>On Azure queues: whether the notifier, and no Logic App, takes the alerts.</summary>
    public bool ConsumeAlertQueue { get; init; }

    /// <summary>
    /// The link to a transaction, in which <c>{transaction_id}</c>, <c>{alert_id}</c>, <c>{user_id}</c> and <c>{category_id}</c> are replaced; null: there is
    /// no link.
    /// </summary>
    public string? LinkTemplate { get; init; }
}
