namespace FinanceIngest.Notifications.Deliveries;

/// <summary>The names of states and reasons in the database, in JSON and in metrics.</summary>
internal static class DeliveryNames
{
    public static string Of(DeliveryState state) => state switch
    {
        DeliveryState.Held => "held",
        DeliveryState.Waiting => "waiting",
        DeliveryState.Sent => "sent",
        DeliveryState.GivenUp => "given_up",
        DeliveryState.Skipped => "skipped",
        _ => throw new ArgumentOutOfRangeException(nameof(state)),
    };

    public static DeliveryState ToState(string name) => Enum.GetValues<DeliveryState>().First(state => Of(state) == name);

    public static string? Of(HoldReason reason) => reason switch
    {
        HoldReason.None => null,
        HoldReason.Digest => "digest",
        HoldReason.QuietHours => "quiet_hours",
        HoldReason.Limit => "limit",
        _ => throw new ArgumentOutOfRangeException(nameof(reason)),
    };

    public static HoldReason ToReason(string? name) => Enum.GetValues<HoldReason>().First(reason => Of(reason) == name);
}
