using FinanceIngest.Bench.Processes;
using FinanceIngest.Queueing;
using FinanceIngest.Queueing.Embedded;

namespace FinanceIngest.Bench.Storage;

/// <summary>Fills and watches the embedded queue from outside of the program that drains it.</summary>
internal static class EmbeddedQueueExtensions
{
    private const int Concurrency = 64;

    public static Task FillAsync(this EmbeddedQueue queue, IEnumerable<MessageBody> messages, CancellationToken cancellationToken) => Parallel.ForEachAsync(
        messages, new ParallelOptions { MaxDegreeOfParallelism = Concurrency, CancellationToken = cancellationToken },
        async (message, token) => await queue.SendAsync(message, TimeSpan.Zero, token));

    public static async Task UntilEmptyAsync(this EmbeddedQueue queue, ChildProcess consumer, CancellationToken cancellationToken)
    {
        while ((await queue.GetDepthAsync(cancellationToken)).Length > 0)
        {
            consumer.ThrowIfEnded();
            await Task.Delay(5, cancellationToken);
        }
    }
}
