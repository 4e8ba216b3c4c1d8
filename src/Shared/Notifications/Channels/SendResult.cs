namespace FinanceIngest.Notifications.Channels;

/// <summary>How an attempt at a message ended.</summary>
internal enum SendResult
{
    /// <summary>The receiver took the message.</summary>
    Delivered,

    /// <summary>This message or this receiver failed; another attempt may succeed, and other messages of the channel are not concerned.</summary>
    Failed,

    /// <summary>The channel itself failed, and so would every other message: the server can't be reached, refuses the account, or is broken.</summary>
    ChannelFailed,

    /// <summary>The receiver refused the message for good.</summary>
    Refused,

    /// <summary>The receiver is no more: the user's address is removed.</summary>
    Gone,
}
