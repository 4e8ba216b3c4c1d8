using FinanceIngest.Ground;
using FinanceIngest.Queueing;

namespace FinanceIngest.Notifications;

/// <summary>
/// A message on the alert queue that tells a notifier to look for messages to send: whoever has had deliveries sent again can't reach the notifier's process
/// otherwise.
/// </summary>
internal static class DeliveryWake
{
    private static readonly string s_text = MessageText.Encode("""{"v":1,"marker":"deliveries"}""");

    /// <summary>Puts the message on the alert queue.</summary>
    /// <exception cref="QueueUnavailableException">The queue can't be reached; the notifier looks when it has another reason to.</exception>
    public static Task<LeasedMessage> SendAsync(IMessageQueue alerts, TimeSpan delay, CancellationToken cancellationToken) =>
        alerts.SendAsync(s_text, delay, cancellationToken);

    /// <inheritdoc cref="SendAsync(IMessageQueue, TimeSpan, CancellationToken)"/>
    public static Task SendAsync(IMessageQueue alerts, CancellationToken cancellationToken) => SendAsync(alerts, TimeSpan.Zero, cancellationToken);

    /// <summary>Whether a received message is one.</summary>
    public static bool IsOne(LeasedMessage message) => message.Body.Length == s_text.Length && message.Text == s_text;
}
