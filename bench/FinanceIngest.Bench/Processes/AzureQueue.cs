using System.Diagnostics;
using Azure.Storage.Queues;
using Azure.Storage.Queues.Models;
using FinanceIngest.Queueing;

namespace FinanceIngest.Bench.Processes;

/// <summary>The plainest use of a queue by its SDK, as the upper bound of every program that uses the queue.</summary>
internal sealed class AzureQueue(QueueClient client)
{
    private const int ReceiveSize = 32;
    private const int Concurrency = 8;
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(20);

    public string Name => client.Name;

    /// <summary>Sends the messages, several at once.</summary>
    public async Task<TimeSpan> FillAsync(IReadOnlyCollection<MessageBody> messages, CancellationToken cancellationToken)
    {
        List<string> texts = [.. messages.Select(message => message.Text)];
        long start = Stopwatch.GetTimestamp();
        await Parallel.ForEachAsync(
            texts, new ParallelOptions { MaxDegreeOfParallelism = Concurrency, CancellationToken = cancellationToken },
            async (text, token) => await client.SendMessageAsync(text, timeToLive: TimeSpan.FromSeconds(-1), cancellationToken: token));
        return Stopwatch.GetElapsedTime(start);
    }

    /// <summary>Sends a message several times, one after the other, and returns the milliseconds of each put.</summary>
    public async Task<double[]> PutOneByOneAsync(MessageBody message, int count, CancellationToken cancellationToken)
    {
        double[] milliseconds = new double[count];
        for (int i = 0; i < count; i++)
        {
            long start = Stopwatch.GetTimestamp();
            await client.SendMessageAsync(message.Text, timeToLive: TimeSpan.FromSeconds(-1), cancellationToken: cancellationToken);
            milliseconds[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }

        return milliseconds;
    }

    /// <summary>Receives and deletes messages until none is left, and does nothing else with them.</summary>
    public async Task<TimeSpan> EmptyAsync(CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            QueueMessage[] messages = await client.ReceiveMessagesAsync(ReceiveSize, TimeSpan.FromMinutes(1), cancellationToken);
            if (messages.Length == 0)
            {
                return Stopwatch.GetElapsedTime(start);
            }

            await Task.WhenAll(messages.Select(message => client.DeleteMessageAsync(message.MessageId, message.PopReceipt, cancellationToken)));
        }
    }

    /// <summary>Removes all messages at once.</summary>
    public async Task ClearAsync(CancellationToken cancellationToken) => await client.ClearMessagesAsync(cancellationToken);

    /// <summary>Returns the number of messages, including leased and delayed ones.</summary>
    public async Task<int> CountAsync(CancellationToken cancellationToken)
    {
        QueueProperties properties = await client.GetPropertiesAsync(cancellationToken);
        return properties.ApproximateMessagesCount;
    }

    /// <summary>Waits until the queue is empty, including leased and delayed messages.</summary>
    public async Task UntilEmptyAsync(ChildProcess consumer, CancellationToken cancellationToken)
    {
        while (await CountAsync(cancellationToken) > 0)
        {
            consumer.ThrowIfEnded();
            await Task.Delay(s_poll, cancellationToken);
        }
    }
}
