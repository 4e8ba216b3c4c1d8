using System.Net;
using Azure;
using Azure.Storage.Queues;
using Azure.Storage.Queues.Models;
using FinanceIngest.Ground;

namespace FinanceIngest.Queueing.AzureStorage;

/// <summary>Azure Queue Storage, or Azurite.</summary>
/// <remarks>
/// A queue that somebody removed is created anew by the calls that a running system depends on: send, receive, and the probe, which decides whether an intake
/// gets the traffic that would send. Peek and depth only look, so a missing queue is an outage to them.
/// </remarks>
/// <param name="client">The queue, with message encoding <c>None</c>.</param>
/// <param name="status">Learns how each use went.</param>
internal sealed class AzureMessageQueue(QueueClient client, DependencyStatus status) : IMessageQueue
{
    private static readonly TimeSpan s_neverExpires = TimeSpan.FromSeconds(-1);

    /// <inheritdoc/>
    public string Name => client.Name;

    private QueueClient Client => client;

    /// <inheritdoc/>
    public Task EnsureExistsAsync(CancellationToken cancellationToken) => GuardAsync(
        async () =>
        {
            await CreateIfMissingAsync(cancellationToken);
            return true;
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<LeasedMessage> SendAsync(MessageBody body, TimeSpan visibilityDelay, CancellationToken cancellationToken)
    {
        string text = body.Text;
        if (body.Length > MessageText.MaximumLength)
        {
            throw new ArgumentException($"A message text has at most {MessageText.MaximumLength} bytes.", nameof(body));
        }

        return GuardAsync(
            async () =>
            {
                SendReceipt receipt;
                try
                {
                    receipt = await SendOnceAsync(text, visibilityDelay, cancellationToken);
                }
                catch (RequestFailedException e) when (IsQueueMissing(e))
                {
                    await CreateIfMissingAsync(cancellationToken);
                    receipt = await SendOnceAsync(text, visibilityDelay, cancellationToken);
                }

                return (LeasedMessage)new AzureLeasedMessage(this, receipt.PopReceipt)
                {
                    Id = receipt.MessageId,
                    Body = body,
                    InsertedAt = receipt.InsertionTime.UtcDateTime,
                    DequeueCount = 0,
                };
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<LeasedMessage>> ReceiveAsync(int maximum, TimeSpan lease, CancellationToken cancellationToken) => GuardAsync(
        async () =>
        {
            QueueMessage[] messages;
            try
            {
                messages = await client.ReceiveMessagesAsync(maximum, lease, cancellationToken);
            }
            catch (RequestFailedException e) when (IsQueueMissing(e))
            {
                await CreateIfMissingAsync(cancellationToken);
                messages = [];
            }

            return (IReadOnlyList<LeasedMessage>)Array.ConvertAll(messages, message => new AzureLeasedMessage(this, message.PopReceipt)
            {
                Id = message.MessageId,
                Body = MessageBody.Received(message.Body is { } body ? body.ToMemory().Span : []),
                InsertedAt = (message.InsertedOn ?? DateTimeOffset.UtcNow).UtcDateTime,
                DequeueCount = message.DequeueCount,
            });
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> PeekAsync(int maximum, CancellationToken cancellationToken) => GuardAsync(
        async () =>
        {
            PeekedMessage[] messages = await client.PeekMessagesAsync(maximum, cancellationToken);
            return (IReadOnlyList<string>)Array.ConvertAll(messages, message => message.MessageText);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<QueueDepth> GetDepthAsync(CancellationToken cancellationToken) => GuardAsync(
        async () =>
        {
            QueueProperties properties = await client.GetPropertiesAsync(cancellationToken);
            PeekedMessage? oldest = properties.ApproximateMessagesCountLong == 0 ? null : await client.PeekMessageAsync(cancellationToken);
            return new QueueDepth(properties.ApproximateMessagesCountLong, oldest?.InsertedOn?.UtcDateTime);
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task ProbeAsync(CancellationToken cancellationToken) => GuardAsync(
        async () =>
        {
            try
            {
                await client.GetPropertiesAsync(cancellationToken);
            }
            catch (RequestFailedException e) when (IsQueueMissing(e))
            {
                await CreateIfMissingAsync(cancellationToken);
            }

            return true;
        },
        cancellationToken);

    private async Task<SendReceipt> SendOnceAsync(string text, TimeSpan visibilityDelay, CancellationToken cancellationToken) =>
        await client.SendMessageAsync(text, visibilityDelay, s_neverExpires, cancellationToken);

    private async Task CreateIfMissingAsync(CancellationToken cancellationToken)
    {
        try
        {
            await client.CreateIfNotExistsAsync(cancellationToken: cancellationToken);
        }
        catch (RequestFailedException e) when (e.Status == (int)HttpStatusCode.Forbidden)
        {
            // A role that may send and receive but not create is fine as long as the queue exists.
            try
            {
                await client.GetPropertiesAsync(cancellationToken);
            }
            catch (RequestFailedException missing) when (IsQueueMissing(missing))
            {
                throw new QueueUnavailableException(Name, $"The queue does not exist and may not be created by this identity: {AzureFailures.Describe(e)}", e);
            }
        }
    }

    private async Task<T> GuardAsync<T>(Func<Task<T>> call, CancellationToken cancellationToken)
    {
        try
        {
            T result = await call();
            status.Succeeded();
            return result;
        }
        catch (Exception e) when (AzureFailures.IsFailure(e) && cancellationToken.IsCancellationRequested)
        {
            // The SDK reports a cancellation that meets one of its retries as a failure, together with the attempts before it.
            throw new OperationCanceledException(e.Message, e, cancellationToken);
        }
        catch (Exception e) when (AzureFailures.IsFailure(e))
        {
            QueueUnavailableException outage = e as QueueUnavailableException ?? new QueueUnavailableException(Name, AzureFailures.Describe(e), e);
            status.Failed(outage);
            throw outage;
        }
    }

    private static bool IsQueueMissing(RequestFailedException e) => e.ErrorCode == QueueErrorCode.QueueNotFound;

    private sealed class AzureLeasedMessage(AzureMessageQueue queue, string popReceipt) : LeasedMessage
    {
        private string _popReceipt = popReceipt;

        public override Task<bool> TryDeleteAsync(CancellationToken cancellationToken) => OutcomeAsync(
            () => queue.Client.DeleteMessageAsync(Id, _popReceipt, cancellationToken), cancellationToken);

        public override Task<bool> TryExtendAsync(TimeSpan lease, CancellationToken cancellationToken) => OutcomeAsync(
            async () =>
            {
                UpdateReceipt receipt = await queue.Client.UpdateMessageAsync(Id, _popReceipt, visibilityTimeout: lease, cancellationToken: cancellationToken);
                _popReceipt = receipt.PopReceipt;
            },
            cancellationToken);

        // A message whose queue is gone is gone with it.
        private Task<bool> OutcomeAsync(Func<Task> call, CancellationToken cancellationToken) => queue.GuardAsync(
            async () =>
            {
                try
                {
                    await call();
                    return true;
                }
                catch (RequestFailedException e) when (
                    e.ErrorCode == QueueErrorCode.MessageNotFound || e.ErrorCode == QueueErrorCode.PopReceiptMismatch || IsQueueMissing(e))
                {
                    return false;
                }
            },
            cancellationToken);
    }
}
