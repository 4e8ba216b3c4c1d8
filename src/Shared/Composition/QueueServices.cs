using Azure.Core;
using Azure.Identity;
using Azure.Storage.Queues;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Health;
using FinanceIngest.Queueing;
using FinanceIngest.Queueing.AzureStorage;
using FinanceIngest.Queueing.Embedded;
using Microsoft.Extensions.DependencyInjection;

namespace FinanceIngest.Composition;

/// <summary>Registers the queues, in Azure Storage or embedded.</summary>
internal static class QueueServices
{
    public static IServiceCollection AddQueues(this IServiceCollection services, Settings settings) => services.AddSingleton(provider =>
    {
        Dependencies dependencies = provider.GetRequiredService<Dependencies>();
        Func<string, DependencyStatus, IMessageQueue> create = settings.UsesAzureQueues
            ? AzureQueues(settings)
            : (name, status) => new EmbeddedQueue(settings.DataDirectory, name, provider.GetRequiredService<TimeProvider>(), status, settings.ReadsOnly);
        return new Queues(
            create(settings.InboundQueue, dependencies.InboundQueue),
            create(settings.PoisonQueue, dependencies.PoisonQueue),
            create(settings.AlertQueue, dependencies.AlertQueue),
            settings.IsNotifying || HasAlertPoison(settings) ? create(settings.AlertPoisonQueue, dependencies.AlertPoisonQueue) : null);
    });

    // An embedded installation that once had a notifier keeps what could not be read, and an erasure or a backup must find it.
    private static bool HasAlertPoison(Settings settings) =>
        !settings.UsesAzureQueues && File.Exists(Path.Combine(settings.DataDirectory, EmbeddedQueue.FileOf(settings.AlertPoisonQueue)));

    private static Func<string, DependencyStatus, IMessageQueue> AzureQueues(Settings settings)
    {
        // The SDK must not decode messages: another producer may send plain text, which has to reach our own decoder as it is.
        var options = new QueueClientOptions { MessageEncoding = QueueMessageEncoding.None };
        options.Retry.Mode = RetryMode.Exponential;
        options.Retry.MaxRetries = Deadlines.AzureRetries;
        options.Retry.Delay = Deadlines.AzurePause;
        options.Retry.MaxDelay = Deadlines.AzureLongestPause;
        options.Retry.NetworkTimeout = Deadlines.AzureTry;
        QueueServiceClient service = settings.QueueServiceUri is { } uri
            ? new QueueServiceClient(uri, new DefaultAzureCredential(), options)
            : new QueueServiceClient(settings.StorageConnectionString, options);
        return (name, status) => new AzureMessageQueue(service.GetQueueClient(name), status);
    }
}
