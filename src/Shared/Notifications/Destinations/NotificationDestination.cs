using FinanceIngest.Configuration;

namespace FinanceIngest.Notifications.Destinations;

/// <summary>An address that a user gave, and when it may be used.</summary>
/// <param name="Id">Identifies the address.</param>
/// <param name="UserId">The user who is told.</param>
/// <param name="Type"><see cref="ChannelType.Smtp"/> or <see cref="ChannelType.WebPush"/>; every channel of that type that goes to users uses it.</param>
/// <param name="CreatedAt">When the address was given (UTC).</param>
internal sealed record NotificationDestination(Guid Id, long UserId, ChannelType Type, DateTime CreatedAt)
{
    /// <summary>The mail address; null for web push.</summary>
    public string? Mail { get; init; }

    /// <summary>The browser's subscription; null for mail.</summary>
    public PushTarget? Push { get; init; }

    /// <summary>The user's quiet hours, in the place of the channel's; null: the channel's hold.</summary>
    public QuietHours? Quiet { get; init; }

    /// <summary>As the channel's setting of the same name; null: the channel's holds.</summary>
    public double? MinimumSurprise { get; init; }

    /// <summary>Returns the id alone: the rest is the address of a person.</summary>
    public override string ToString() => Id.ToString("D");
}
