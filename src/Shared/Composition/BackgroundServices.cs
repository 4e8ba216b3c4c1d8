using FinanceIngest.Alerts;
using FinanceIngest.Configuration;
using FinanceIngest.Hosting;
using FinanceIngest.Learning;
using FinanceIngest.Notifications;
using FinanceIngest.Observability;
using FinanceIngest.Overview;
using FinanceIngest.Queueing;
using FinanceIngest.Retention;
using FinanceIngest.Scoring;
using FinanceIngest.Scoring.Isolation;
using FinanceIngest.SigningKeys;
using FinanceIngest.Transactions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace FinanceIngest.Composition;

/// <summary>Registers the services that run in the background of a process, according to the roles in its settings.</summary>
public static class BackgroundServices
{
    /// <summary>Adds the services that create the queues at the start of a program and measure their length and age.</summary>
    public static IServiceCollection AddQueueUpkeep(this IServiceCollection services)
    {
        services.AddHostedService<QueueCreation>();
        services.AddHostedService<QueueGauges>();
        return services;
    }

    /// <summary>
    /// Adds the scorer (with the purge of old rows where retention is set), the dispatcher, the notifier, or several of them, and connects them to an intake in
    /// the same process.
    /// </summary>
    public static IServiceCollection AddBackgroundRoles(this IServiceCollection services, Settings settings)
    {
        services.AddSingleton<ScoringEvents>();
        services.AddSingleton<ProgramEnd>();
        services.AddSingleton<AlertMarker>();
        services.AddQueueUpkeep();
        services.AddHostedService<Wiring>();
        if (settings.Roles.HasFlag(Roles.Dispatcher))
        {
            services.AddDispatcher();
        }

        if (settings.Roles.HasFlag(Roles.Scorer))
        {
            services.AddScorer();
        }

        if (settings.Roles.HasFlag(Roles.Scorer) && settings.Learns)
        {
            services.AddSingleton<ModelRenewal>();
            services.AddSingleton<RenewalService>();
            services.AddHostedService(provider => provider.GetRequiredService<RenewalService>());
        }

        if (settings.Roles.HasFlag(Roles.Notifier))
        {
            services.AddNotifier(settings);
        }

        if (settings.Roles.HasFlag(Roles.Scorer) && settings.RetentionDays is not null)
        {
            services.AddSingleton<RetentionService>();
            services.AddHostedService(provider => provider.GetRequiredService<RetentionService>());
        }

        // The worker stops receiving messages at once, even while the server still finishes its last requests.
        services.Configure<HostOptions>(options => options.ServicesStopConcurrently = true);
        return services;
    }

    /// <summary>
    /// Adds the scoring that <see cref="ScoringChild"/> uses, without any service that receives messages, sends alerts or runs in the background.
    /// </summary>
    public static IServiceCollection AddScoringChild(this IServiceCollection services)
    {
        services.AddSingleton<ScoringEvents>();
        services.AddSingleton<CurrentModel>();
        services.AddSingleton(provider => ActivatorUtilities.CreateInstance<BatchScorer>(provider, provider.GetRequiredService<IScoringStore>()));
        services.AddSingleton<MessageScorer>();
        services.AddSingleton<EnvelopeReader>(NewReader);
        return services;
    }

    private static void AddNotifier(this IServiceCollection services, Settings settings)
    {
        services.AddNotificationChannels(settings);
        services.AddSingleton(provider => new OpenDeliveriesMarker(
            provider.GetRequiredService<Queues>(), provider.GetRequiredService<TimeProvider>(), isUsed: settings.UsesAzureQueues));
        services.AddSingleton<AlertIntake>();
        services.AddSingleton<Notifier>();
        services.AddHostedService(provider => provider.GetRequiredService<Notifier>());
    }

    private static void AddDispatcher(this IServiceCollection services)
    {
        services.AddSingleton<AlertDispatcher>();
        services.AddHostedService(provider => provider.GetRequiredService<AlertDispatcher>());
    }

    private static void AddScorer(this IServiceCollection services)
    {
        services.AddSingleton<SigningKeyCheck>();
        services.AddSingleton<ProcessTally>();
        services.AddSingleton<CommandFollowUp>();
        services.AddSingleton<CurrentModel>();
        services.AddSingleton(provider => ActivatorUtilities.CreateInstance<BatchScorer>(
            provider, ActivatorUtilities.CreateInstance<ObservedScoringStore>(provider, provider.GetRequiredService<IScoringStore>())));
        services.AddSingleton<MessageScorer>();
        services.AddSingleton<IIsolation, ChildProcessIsolation>();
        services.AddSingleton<EnvelopeReader>(NewReader);
        services.AddSingleton<MessageSettler>();
        services.AddSingleton<FailedMessages>();
        services.AddSingleton<BatchProcessor>();
        services.AddSingleton<InboundWorker>();
        services.AddHostedService(provider => provider.GetRequiredService<InboundWorker>());
    }

    private static EnvelopeReader NewReader(IServiceProvider provider) =>
        new(provider.GetRequiredService<Settings>().InboundQueue, provider.GetRequiredService<IdCertifier>());
}
