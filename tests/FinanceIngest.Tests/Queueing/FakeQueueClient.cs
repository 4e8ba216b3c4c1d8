using System.Globalization;
using Azure;
using Azure.Storage.Queues;
using Azure.Storage.Queues.Models;

namespace FinanceIngest.Tests.Queueing;

/// <summary>The kinds of call that <see cref="FakeQueueClient"/> answers.</summary>
public enum QueueCall
{
    Create,
    GetProperties,
    Send,
    Receive,
    Peek,
    Delete,
    Update,
}

/// <summary>
/// An Azure queue in memory behind the SDK's client, for responses that Azurite never gives. A pop receipt becomes void when its message is received or updated
/// again. Every message is always visible.
/// </summary>
internal sealed class FakeQueueClient : QueueClient
{
    private readonly Dictionary<string, (string Text, int Receipt)> _messages = [];
    private int _lastNumber;

    public override string Name => "fake";

    /// <summary>Whether the queue has been removed.</summary>
    public bool IsGone { get; set; }

    /// <summary>Returns the exception that a call fails with; null lets the call succeed.</summary>
    public Func<QueueCall, Exception?> Fault { get; set; } = _ => null;

    /// <summary>The calls made so far.</summary>
    public List<QueueCall> Calls { get; } = [];

    public override async Task<Response> CreateIfNotExistsAsync(IDictionary<string, string>? metadata = null, CancellationToken cancellationToken = default)
    {
        await MeetAsync(QueueCall.Create);
        if (IsGone)
        {
            _messages.Clear();
        }

        IsGone = false;
        return null!;
    }

    public override async Task<Response<QueueProperties>> GetPropertiesAsync(CancellationToken cancellationToken = default)
    {
        await MeetAsync(QueueCall.GetProperties);
        return Answer(QueuesModelFactory.QueueProperties(new Dictionary<string, string>(), (long)_messages.Count));
    }

    public override async Task<Response<SendReceipt>> SendMessageAsync(
        string messageText, TimeSpan? visibilityTimeout = null, TimeSpan? timeToLive = null, CancellationToken cancellationToken = default)
    {
        await MeetAsync(QueueCall.Send);
        string id = $"message-{++_lastNumber}";
        _messages[id] = (messageText, ++_lastNumber);
        return Answer(QueuesModelFactory.SendReceipt(id, DateTimeOffset.UnixEpoch, DateTimeOffset.MaxValue, Text(_lastNumber), DateTimeOffset.UnixEpoch));
    }

    public override async Task<Response<QueueMessage[]>> ReceiveMessagesAsync(
        int? maxMessages = null, TimeSpan? visibilityTimeout = null, CancellationToken cancellationToken = default)
    {
        await MeetAsync(QueueCall.Receive);
        foreach ((string id, (string text, _)) in _messages)
        {
            _messages[id] = (text, ++_lastNumber);
        }

        return Answer(_messages.Select(entry => QueuesModelFactory.QueueMessage(entry.Key, Text(entry.Value.Receipt), entry.Value.Text, 1)).ToArray());
    }

    public override async Task<Response<PeekedMessage[]>> PeekMessagesAsync(int? maxMessages = null, CancellationToken cancellationToken = default)
    {
        await MeetAsync(QueueCall.Peek);
        return Answer(Peeked());
    }

    public override async Task<Response<PeekedMessage>> PeekMessageAsync(CancellationToken cancellationToken = default)
    {
        await MeetAsync(QueueCall.Peek);
        return Answer(Peeked()[0]);
    }

    public override async Task<Response> DeleteMessageAsync(string messageId, string popReceipt, CancellationToken cancellationToken = default)
    {
        await MeetAsync(QueueCall.Delete);
        Require(messageId, popReceipt);
        _messages.Remove(messageId);
        return null!;
    }

    public override async Task<Response<UpdateReceipt>> UpdateMessageAsync(
        string messageId, string popReceipt, string? messageText = null, TimeSpan visibilityTimeout = default, CancellationToken cancellationToken = default)
    {
        await MeetAsync(QueueCall.Update);
        Require(messageId, popReceipt);
        _messages[messageId] = (_messages[messageId].Text, ++_lastNumber);
        return Answer(QueuesModelFactory.UpdateReceipt(Text(_lastNumber), DateTimeOffset.UnixEpoch));
    }

    private static string Text(int receipt) => receipt.ToString(CultureInfo.InvariantCulture);

    private static Response<T> Answer<T>(T value) => Response.FromValue(value, null!);

    private async Task MeetAsync(QueueCall call)
    {
        await Task.Yield();
        Calls.Add(call);
        if (Fault(call) is { } fault)
        {
            throw fault;
        }

        if (IsGone && call != QueueCall.Create)
        {
            throw new RequestFailedException(
                404, "The specified queue does not exist.\nRequestId:1\nHeaders:\nx", QueueErrorCode.QueueNotFound.ToString(), null);
        }
    }

    private void Require(string id, string receipt)
    {
        if (!_messages.TryGetValue(id, out (string Text, int Receipt) message))
        {
            throw new RequestFailedException(404, "The specified message does not exist.", QueueErrorCode.MessageNotFound.ToString(), null);
        }

        if (Text(message.Receipt) != receipt)
        {
            throw new RequestFailedException(400, "The specified pop receipt did not match.", QueueErrorCode.PopReceiptMismatch.ToString(), null);
        }
    }

    private PeekedMessage[] Peeked() =>
    [
        .. _messages.Select(entry => QueuesModelFactory.PeekedMessage(entry.Key, entry.Value.Text, 0, DateTimeOffset.UnixEpoch, DateTimeOffset.MaxValue)),
    ];
}
