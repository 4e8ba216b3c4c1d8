using Azure.Core;
using Azure.Identity;
using Azure.Storage.Queues;
using FinanceIngest.Alerts;
using FinanceIngest.Baselines;
using FinanceIngest.Health;
using FinanceIngest.Hosting;
using FinanceIngest.Http;
using FinanceIngest.Intake;
using FinanceIngest.Observability;
using FinanceIngest.Poison;
using FinanceIngest.Queueing;
using FinanceIngest.Queueing.AzureStorage;
using FinanceIngest.Queueing.Embedded;
using FinanceIngest.Results;
using FinanceIngest.Retention;
using FinanceIngest.Scoring;
using FinanceIngest.Scoring.Isolation;
using FinanceIngest.Storage;
using FinanceIngest.Storage.Sqlite;
using FinanceIngest.Storage.SqlServer;
using FinanceIngest.Transactions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace FinanceIngest.Configuration;

/// <summary>Puts a process together from its settings.</summary>
public static class ServiceRegistration
{
    /// <summary>Storage, queues and ids: what every program needs.</summary>
    public static IServiceCollection AddFinanceIngest(this IServiceCollection services, Settings settings)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(settings);
        services.AddSingleton<Dependencies>();
        services.AddMetrics();
        services.AddSingleton<Telemetry>();
        services.AddSingleton(provider => new IdCertifier(
            settings.IdSigningKey ?? SigningKeyFile.ReadOrCreate(settings.DataDirectory), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider => CreateQueues(settings, provider));
        services.AddSingleton<PoisonOperations>();
        services.AddSingleton<PoisonErasure>();
        services.AddSingleton<RetentionPurge>();
        services.AddSingleton<UserErasure>();
        return settings.UsesSqlServer ? services.AddSqlServerStore(settings) : services.AddSqliteStore(settings);
    }

    /// <summary>The HTTP API's endpoints.</summary>
    public static IServiceCollection AddIntake(this IServiceCollection services, Settings settings)
    {
        services.AddApi(settings);
        services.AddSingleton<TransactionFactory>();
        services.AddSingleton<BacklogEstimator>(provider => new BacklogEstimator(
            provider.GetRequiredService<Queues>().Inbound, provider.GetRequiredService<InboundSender>(), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider => ActivatorUtilities.CreateInstance<InboundSender>(provider, provider.GetRequiredService<Queues>().Inbound));
        services.AddSingleton<ResultWaiter>();
        services.AddSingleton<IEndpoints, OpenApiEndpoints>();
        services.AddSingleton<IEndpoints, SubmitEndpoints>();
        services.AddSingleton<IEndpoints, SubmitBatchEndpoints>();
        services.AddSingleton<IEndpoints, StatusEndpoints>();
        services.AddSingleton<IEndpoints, FeedEndpoints>();
        services.AddSingleton<IEndpoints, StatsEndpoints>();
        return services;
    }

    /// <summary>The HTTP API with nothing but its health.</summary>
    public static IServiceCollection AddApi(this IServiceCollection services, Settings settings)
    {
        services.TryAddSingleton<Api>();
        services.TryAddSingleton(provider =>
        {
            var inFlight = new BytesInFlight(settings.MaximumBytesInFlight, provider.GetRequiredService<TimeProvider>());
            provider.GetRequiredService<Telemetry>().ObserveBytesInFlight(() => inFlight.Current);
            return inFlight;
        });
        services.TryAddSingleton(new ApiKeys(settings.ApiKeys));
        services.TryAddSingleton<Authenticator>();
        services.TryAddSingleton<BearerTokens>();
        services.TryAddSingleton(provider => new RateLimiter(settings.RateLimitPerMinute, provider.GetRequiredService<TimeProvider>()));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IEndpoints, HealthEndpoints>());
        return services;
    }

    /// <summary>The scorer, the dispatcher, or both, as the settings' roles say, and what ties them to an intake in the same process.</summary>
    public static IServiceCollection AddBackgroundRoles(this IServiceCollection services, Settings settings)
    {
        services.AddSingleton<ScoringEvents>();
        services.AddSingleton<ProgramEnd>();
        services.AddSingleton<AlertMarker>();
        services.AddHostedService<QueueCreation>();
        services.AddHostedService<QueueGauges>();
        services.AddHostedService<Wiring>();
        if (settings.Roles.HasFlag(Roles.Dispatcher))
        {
            services.AddSingleton<AlertDispatcher>();
            services.AddHostedService(provider => provider.GetRequiredService<AlertDispatcher>());
        }

        if (settings.Roles.HasFlag(Roles.Scorer))
        {
            services.AddSingleton<SigningKeyCheck>();
            services.AddSingleton(provider => ActivatorUtilities.CreateInstance<BatchScorer>(
                provider, ActivatorUtilities.CreateInstance<ObservedScoringStore>(provider, provider.GetRequiredService<IScoringStore>())));
            services.AddSingleton<MessageScorer>();
            services.AddSingleton<IIsolation, ChildProcessIsolation>();
            services.AddSingleton<BatchProcessor>();
            services.AddSingleton<InboundWorker>();
            services.AddHostedService(provider => provider.GetRequiredService<InboundWorker>());
        }

        if (settings.Roles.HasFlag(Roles.Scorer) && settings.RetentionDays is not null)
        {
            services.AddSingleton<RetentionService>();
            services.AddHostedService(provider => provider.GetRequiredService<RetentionService>());
        }

        services.Configure<HostOptions>(options =>
        {
            options.ShutdownTimeout = TimeSpan.FromSeconds(25);

            // The worker takes no more messages from the first moment, however long the server's last requests take.
            options.ServicesStopConcurrently = true;
        });
        return services;
    }

    private static IServiceCollection AddSqliteStore(this IServiceCollection services, Settings settings)
    {
        services.AddSingleton(provider => new SqliteDatabase(
            settings.DataDirectory, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<Dependencies>().Database));
        services.AddSingleton<IDatabaseMigrator, SqliteMigrator>();
        services.AddSingleton<IScoringStore, SqliteScoringStore>();
        services.AddSingleton<IResultsStore, SqliteResultsStore>();
        services.AddSingleton<IBaselineStore, SqliteBaselineStore>();
        services.AddSingleton<IAlertOutbox, SqliteAlertOutbox>();
        services.AddSingleton<IPoisonStore, SqlitePoisonStore>();
        services.AddSingleton<IRetentionStore, SqliteRetentionStore>();
        services.AddSingleton<IInstallationStore, SqliteInstallationStore>();
        return services;
    }

    private static Queues CreateQueues(Settings settings, IServiceProvider provider)
    {
        Dependencies dependencies = provider.GetRequiredService<Dependencies>();
        Func<string, DependencyStatus, IMessageQueue> create = settings.UsesAzureQueues
            ? AzureQueues(settings)
            : (name, status) => new EmbeddedQueue(settings.DataDirectory, name, provider.GetRequiredService<TimeProvider>(), status);
        return new Queues(
            create(settings.InboundQueue, dependencies.InboundQueue),
            create(settings.PoisonQueue, dependencies.PoisonQueue),
            create(settings.AlertQueue, dependencies.AlertQueue));
    }

    private static Func<string, DependencyStatus, IMessageQueue> AzureQueues(Settings settings)
    {
        // Messages are base64 by our own hand: what another producer put there as plain text must reach the decoder as it is.
        var options = new QueueClientOptions { MessageEncoding = QueueMessageEncoding.None };
        options.Retry.Mode = RetryMode.Exponential;
        options.Retry.MaxRetries = 3;
        options.Retry.Delay = TimeSpan.FromMilliseconds(400);
        options.Retry.MaxDelay = TimeSpan.FromSeconds(4);
        options.Retry.NetworkTimeout = TimeSpan.FromSeconds(10);
        QueueServiceClient service = settings.QueueServiceUri is { } uri
            ? new QueueServiceClient(uri, new DefaultAzureCredential(), options)
            : new QueueServiceClient(settings.StorageConnectionString, options);
        return (name, status) => new AzureMessageQueue(service.GetQueueClient(name), status);
    }
}
