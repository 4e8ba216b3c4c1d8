using FinanceIngest.Alerts;
using FinanceIngest.Configuration;
using FinanceIngest.Hosting;
using FinanceIngest.Observability;
using FinanceIngest.Queueing;
using FinanceIngest.Retention;
using FinanceIngest.Scoring;
using FinanceIngest.Scoring.Isolation;
using FinanceIngest.Transactions;
using FinanceIngest.SigningKeys;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace FinanceIngest.Composition;

/// <summary>What runs in the background of a process, as the roles in its settings say.</summary>
public static class BackgroundServices
{
    /// <summary>Adds what every program does for the queues: it creates them at the start, and tells of their length and age.</summary>
    public static IServiceCollection AddQueueUpkeep(this IServiceCollection services)
    {
        services.AddHostedService<QueueCreation>();
        services.AddHostedService<QueueGauges>();
        return services;
    }

    /// <summary>Adds the scorer, the dispatcher, or both, and what ties them to an intake in the same process.</summary>
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

        if (settings.Roles.HasFlag(Roles.Scorer) && settings.RetentionDays is not null)
        {
            services.AddSingleton<RetentionService>();
            services.AddHostedService(provider => provider.GetRequiredService<RetentionService>());
        }

        // The worker takes no more messages from the first moment, however long the server's last requests take.
        services.Configure<HostOptions>(options => options.ServicesStopConcurrently = true);
        return services;
    }

    /// <summary>Adds what <see cref="ScoringChild"/> scores with: nothing that receives messages, sends alerts or runs by itself.</summary>
    public static IServiceCollection AddScoringChild(this IServiceCollection services)
    {
        services.AddSingleton(provider => ActivatorUtilities.CreateInstance<BatchScorer>(provider, provider.GetRequiredService<IScoringStore>()));
        services.AddSingleton<MessageScorer>();
        services.AddSingleton<EnvelopeReader>(NewReader);
        return services;
    }

    private static void AddDispatcher(this IServiceCollection services)
    {
        services.AddSingleton<AlertDispatcher>();
        services.AddHostedService(provider => provider.GetRequiredService<AlertDispatcher>());
    }

    private static void AddScorer(this IServiceCollection services)
    {
        services.AddSingleton<SigningKeyCheck>();
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
