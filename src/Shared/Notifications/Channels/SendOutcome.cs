namespace FinanceIngest.Notifications.Channels;

/// <summary>How an attempt at a message ended, and why.</summary>
/// <param name="Result">How.</param>
/// <param name="Problem">One line without data of persons; null when there is nothing to say.</param>
/// <param name="RetryAfter">The pause that the receiver asked for.</param>
internal sealed record SendOutcome(SendResult Result, string? Problem = null, TimeSpan? RetryAfter = null)
{
    /// <summary>The receiver took the message.</summary>
    public static SendOutcome Delivered { get; } = new(SendResult.Delivered);
}
