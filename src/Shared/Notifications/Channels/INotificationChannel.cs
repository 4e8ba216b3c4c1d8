namespace FinanceIngest.Notifications.Channels;

/// <summary>A way by which messages go out: one of the channels of the settings.</summary>
internal interface INotificationChannel : IAsyncDisposable
{
    /// <summary>The most messages that are sent at the same time.</summary>
    int Concurrency { get; }

    /// <summary>Attempts to deliver a message. Whatever goes wrong is an outcome; only the caller's cancellation is thrown.</summary>
    /// <exception cref="OperationCanceledException">The caller cancelled the attempt: nobody knows whether the message was delivered.</exception>
    Task<SendOutcome> SendAsync(Notification notification, CancellationToken cancellationToken);

    /// <summary>Lets go of what only a run of messages needs, such as a connection to a mail server.</summary>
    Task RestAsync() => Task.CompletedTask;
}
