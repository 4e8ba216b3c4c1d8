using Azure.Storage.Queues;
using Azure.Storage.Queues.Models;

namespace FinanceIngest.Chaos.Storage;

/// <summary>A queue of Azurite, used without the proxy.</summary>
internal sealed class AzureQueueView(string connectionString, string name) : IQueueView
{
    private readonly QueueClient _client = new(connectionString, name, new QueueClientOptions { MessageEncoding = QueueMessageEncoding.None });

    public async Task<long> LengthAsync(CancellationToken cancellationToken) =>
        (await _client.GetPropertiesAsync(cancellationToken)).Value.ApproximateMessagesCountLong;

    public bool TellsMarkers => false;

    public async Task<long> HiddenAsync(CancellationToken cancellationToken)
    {
        // All visible messages are received and returned; the others are hidden.
        long length = await LengthAsync(cancellationToken);
        var visible = new List<QueueMessage>();
        while (await _client.ReceiveMessagesAsync(32, TimeSpan.FromMinutes(5), cancellationToken) is { Value: { Length: > 0 } messages })
        {
            visible.AddRange(messages);
        }

        foreach (QueueMessage message in visible)
        {
            await _client.UpdateMessageAsync(message.MessageId, message.PopReceipt, visibilityTimeout: TimeSpan.Zero, cancellationToken: cancellationToken);
        }

        return length - visible.Count;
    }

    public Task SendAsync(string text, CancellationToken cancellationToken) =>
        _client.SendMessageAsync(text, TimeSpan.Zero, TimeSpan.FromSeconds(-1), cancellationToken);

    public async Task<IReadOnlyList<string>> TakeAllAsync(CancellationToken cancellationToken)
    {
        var texts = new List<string>();
        while (true)
        {
            QueueMessage[] messages = await _client.ReceiveMessagesAsync(32, TimeSpan.FromMinutes(5), cancellationToken);
            if (messages.Length == 0)
            {
                return texts;
            }

            foreach (QueueMessage message in messages)
            {
                await _client.DeleteMessageAsync(message.MessageId, message.PopReceipt, cancellationToken);
                texts.Add(message.MessageText);
            }
        }
    }

    public Task EndLeasesAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task<string> ProblemAsync(CancellationToken cancellationToken) => Task.FromResult("");
}
