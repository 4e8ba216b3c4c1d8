namespace FinanceIngest.Notifications.Destinations;

/// <summary>A browser's subscription to web push (https://www.w3.org/TR/push-api/#pushsubscription-interface).</summary>
/// <param name="Endpoint">An https address at the browser's push service.</param>
/// <param name="P256dh">The browser's public key: 65 bytes in base64url.</param>
/// <param name="Auth">The browser's secret: 16 bytes in base64url.</param>
internal sealed record PushTarget(string Endpoint, string P256dh, string Auth)
{
    /// <summary>Returns the type's name, because whoever has the three can push to the browser.</summary>
    public override string ToString() => nameof(PushTarget);
}
