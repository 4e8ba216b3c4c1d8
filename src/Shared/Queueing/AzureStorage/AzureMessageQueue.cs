using System.Net;
using Azure;
using Azure.Storage.Queues;
using Azure.Storage.Queues.Models;
using FinanceIngest.Ground;

namespace FinanceIngest.Queueing.AzureStorage;

/// <summary>Azure Queue Storage, or Azurite.</summary>
/// <param name="client">The queue, with message encoding <c>None</c>.</param>
/// <param name="status">Learns how each use went.</param>
internal sealed class AzureMessageQueue(QueueClient client, DependencyStatus status) : IMessageQueue
{
    private static readonly TimeSpan s_neverExpires = TimeSpan.FromSeconds(-1);

    /// <inheritdoc/>
    public string Name => client.Name;

    /// <inheritdoc/>
    public Task EnsureExistsAsync(CancellationToken cancellationToken) => GuardAsync(async () =>
    {
        try
        {
            await client.CreateIfNotExistsAsync(cancellationToken: cancellationToken);
        }
        catch (RequestFailedException e) when (e.Status == (int)HttpStatusCode.Forbidden)
        {
            // A role that may send and receive but not create: fine as long as the queue exists.
            await client.GetPropertiesAsync(cancellationToken);
        }

        return true;
    });

    /// <inheritdoc/>
    public Task<LeasedMessage> SendAsync(MessageBody body, TimeSpan visibilityDelay, CancellationToken cancellationToken) => GuardAsync(async () =>
    {
        SendReceipt receipt;
        try
        {
            receipt = await SendOnceAsync(body.Text, visibilityDelay, cancellationToken);
        }
        catch (RequestFailedException e) when (e.ErrorCode == QueueErrorCode.QueueNotFound)
        {
            // Somebody removed the queue under us.
            await client.CreateIfNotExistsAsync(cancellationToken: cancellationToken);
            receipt = await SendOnceAsync(body.Text, visibilityDelay, cancellationToken);
        }

        return (LeasedMessage)new AzureLeasedMessage(client, receipt.PopReceipt)
        {
            Id = receipt.MessageId,
            Body = body,
            InsertedAt = receipt.InsertionTime.UtcDateTime,
            DequeueCount = 0,
        };
    });

    /// <inheritdoc/>
    public Task<IReadOnlyList<LeasedMessage>> ReceiveAsync(int maximum, TimeSpan lease, CancellationToken cancellationToken) => GuardAsync(async () =>
    {
        QueueMessage[] messages = await client.ReceiveMessagesAsync(maximum, lease, cancellationToken);
        return (IReadOnlyList<LeasedMessage>)Array.ConvertAll(messages, message => new AzureLeasedMessage(client, message.PopReceipt)
        {
            Id = message.MessageId,
            Body = MessageBody.Received(message.Body is { } body ? body.ToMemory().Span : []),
            InsertedAt = (message.InsertedOn ?? DateTimeOffset.UtcNow).UtcDateTime,
            DequeueCount = message.DequeueCount,
        });
    });

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> PeekAsync(int maximum, CancellationToken cancellationToken) => GuardAsync(async () =>
    {
        PeekedMessage[] messages = await client.PeekMessagesAsync(maximum, cancellationToken);
        return (IReadOnlyList<string>)Array.ConvertAll(messages, message => message.MessageText);
    });

    /// <inheritdoc/>
    public Task<QueueDepth> GetDepthAsync(CancellationToken cancellationToken) => GuardAsync(async () =>
    {
        QueueProperties properties = await client.GetPropertiesAsync(cancellationToken);
        PeekedMessage? oldest = properties.ApproximateMessagesCountLong == 0 ? null : await client.PeekMessageAsync(cancellationToken);
        return new QueueDepth(properties.ApproximateMessagesCountLong, oldest?.InsertedOn?.UtcDateTime);
    });

    /// <inheritdoc/>
    public Task ProbeAsync(CancellationToken cancellationToken) => GuardAsync(() => client.GetPropertiesAsync(cancellationToken));

    private async Task<SendReceipt> SendOnceAsync(string text, TimeSpan visibilityDelay, CancellationToken cancellationToken) =>
        await client.SendMessageAsync(text, visibilityDelay, s_neverExpires, cancellationToken);

    private async Task<T> GuardAsync<T>(Func<Task<T>> call)
    {
        try
        {
            T result = await call();
            status.Succeeded();
            return result;
        }
        catch (Exception e) when (IsOutage(e))
        {
            status.Failed(e);
            throw new QueueUnavailableException(Name, e);
        }
    }

    // The SDK has retried already; what arrives here is the service's last word or no answer at all.
    private static bool IsOutage(Exception e) =>
        e is RequestFailedException or AggregateException or HttpRequestException or IOException
        || e is TaskCanceledException { InnerException: TimeoutException }
        || e is Azure.Identity.AuthenticationFailedException;

    private sealed class AzureLeasedMessage(QueueClient client, string popReceipt) : LeasedMessage
    {
        private string _popReceipt = popReceipt;

        public override Task<bool> TryDeleteAsync(CancellationToken cancellationToken) => OutcomeAsync(async () =>
            await client.DeleteMessageAsync(Id, _popReceipt, cancellationToken));

        public override Task<bool> TryExtendAsync(TimeSpan lease, CancellationToken cancellationToken) => OutcomeAsync(async () =>
        {
            UpdateReceipt receipt = await client.UpdateMessageAsync(Id, _popReceipt, visibilityTimeout: lease, cancellationToken: cancellationToken);
            _popReceipt = receipt.PopReceipt;
        });

        private async Task<bool> OutcomeAsync(Func<Task> call)
        {
            try
            {
                await call();
                return true;
            }
            catch (RequestFailedException e) when (
                e.ErrorCode == QueueErrorCode.MessageNotFound || e.ErrorCode == QueueErrorCode.PopReceiptMismatch || e.ErrorCode == QueueErrorCode.QueueNotFound)
            {
                return false;
            }
            catch (Exception e) when (IsOutage(e))
            {
                throw new QueueUnavailableException(client.Name, e);
            }
        }
    }
}
