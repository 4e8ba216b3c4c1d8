using FinanceIngest.Baselines;
using FinanceIngest.Configuration;
using FinanceIngest.Events;
using FinanceIngest.Health;
using FinanceIngest.Http;
using FinanceIngest.Insights;
using FinanceIngest.Intake;
using FinanceIngest.Notifications;
using FinanceIngest.Notifications.Destinations;
using FinanceIngest.Observability;
using FinanceIngest.Operator;
using FinanceIngest.Overview;
using FinanceIngest.Queueing;
using FinanceIngest.Results;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Composition;

/// <summary>Registers the HTTP API. The program adds a head, which translates the requests of its HTTP server.</summary>
public static class HttpServices
{
    /// <summary>Adds the HTTP API with its health endpoints only.</summary>
    public static IServiceCollection AddApi(this IServiceCollection services, Settings settings)
    {
        services.TryAddSingleton(provider => new Api(
            provider.GetServices<IEndpoints>(),
            provider.GetRequiredService<Authenticator>(),
            provider.GetRequiredService<RateLimiter>(),
            provider.GetRequiredService<FailureLimiter>(),
            provider.GetRequiredService<BytesInFlight>(),
            provider.GetRequiredService<RefusedCallers>(),
            provider.GetRequiredService<Telemetry>(),
            provider.GetRequiredService<ILogger<Api>>()));
        services.TryAddSingleton(provider =>
        {
            var inFlight = new BytesInFlight(settings.MaximumBytesInFlight, provider.GetRequiredService<TimeProvider>());
            provider.GetRequiredService<Telemetry>().ObserveBytesInFlight(() => inFlight.Current);
            return inFlight;
        });
        services.TryAddSingleton(provider => new ApiKeys(settings.ApiKeys, provider.GetRequiredService<TimeProvider>()));
        services.TryAddSingleton<RefusedCallers>();
        services.TryAddSingleton<Authenticator>();
        services.TryAddSingleton<BearerTokens>();
        services.TryAddSingleton(provider => new RateLimiter(settings.RateLimitPerMinute, provider.GetRequiredService<TimeProvider>()));
        services.TryAddSingleton<FailureLimiter>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IEndpoints, HealthEndpoints>());
        return services;
    }

    /// <summary>Adds the endpoints that tell how the installation is. A function app has none: it would tell of one of many instances.</summary>
    public static IServiceCollection AddOverview(this IServiceCollection services)
    {
        services.AddSingleton<InstallationStatus>();
        services.AddSingleton<IEndpoints, OverviewEndpoints>();
        services.AddSingleton(provider =>
        {
            // The program ends only after its last request, so streams must end when it begins to stop.
            EventHub hub = ActivatorUtilities.CreateInstance<EventHub>(provider);
            provider.GetService<IHostApplicationLifetime>()?.ApplicationStopping.Register(hub.Close);
            return hub;
        });
        services.AddSingleton<IEndpoints, EventEndpoints>();
        return services;
    }

    /// <summary>
    /// Adds what the page for people asks beside results and figures: histories, a person's months, poison messages, notifications. A function
    /// app has none of these.
    /// </summary>
    public static IServiceCollection AddCaseViews(this IServiceCollection services) => services
        .AddSingleton<IEndpoints, HistoryEndpoints>()
        .AddSingleton<IEndpoints, InsightEndpoints>()
        .AddSingleton<IEndpoints, PoisonEndpoints>()
        .AddSingleton<IEndpoints, NotificationEndpoints>();

    /// <summary>Adds the endpoints of baselines. A function app has none: none of its routes asks for more than a function key.</summary>
    public static IServiceCollection AddBaselines(this IServiceCollection services) => services.AddSingleton<IEndpoints, StatsEndpoints>();

    /// <summary>
    /// Adds the HTTP API with all of its endpoints but those of <see cref="AddOverview"/> and <see cref="AddBaselines"/>, the sender of transactions, and the
    /// waiting for results.
    /// </summary>
    public static IServiceCollection AddIntake(this IServiceCollection services, Settings settings)
    {
        services.AddApi(settings);
        services.AddSingleton<TransactionFactory>();
        services.AddSingleton(provider => ActivatorUtilities.CreateInstance<InboundSender>(
            provider,
            provider.GetRequiredService<Queues>().Inbound,

            // Services without a host, as a fuzzer has them, end by their disposal alone.
            provider.GetService<IHostApplicationLifetime>()?.ApplicationStopping ?? CancellationToken.None));
        services.AddSingleton(provider => new BacklogEstimator(
            provider.GetRequiredService<Queues>().Inbound,
            () => provider.GetRequiredService<InboundSender>().SentMessages,
            provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider =>
        {
            // The program ends only after its last request, so requests that wait for results must be answered when it begins to stop.
            ResultWaiter waiter = ActivatorUtilities.CreateInstance<ResultWaiter>(provider);
            provider.GetService<IHostApplicationLifetime>()?.ApplicationStopping.Register(waiter.Close);
            return waiter;
        });
        services.AddSingleton<IEndpoints, OpenApiEndpoints>();
        services.AddSingleton<IEndpoints, SubmitEndpoints>();
        services.AddSingleton<IEndpoints, SubmitBatchEndpoints>();
        services.AddSingleton<IEndpoints, StatusEndpoints>();
        services.AddSingleton<IEndpoints, FeedEndpoints>();
        services.AddSingleton(provider =>
        {
            CommandWaiter waiter = ActivatorUtilities.CreateInstance<CommandWaiter>(provider);
            provider.GetService<IHostApplicationLifetime>()?.ApplicationStopping.Register(waiter.Close);
            return waiter;
        });
        services.AddSingleton<CommandSender>();
        services.AddSingleton<IEndpoints, TransactionCommandEndpoints>();
        services.AddSingleton<IEndpoints, SensitivityEndpoints>();
        services.AddSingleton<IEndpoints, UserEndpoints>();
        services.AddSingleton<IEndpoints, DestinationEndpoints>();
        return services;
    }
}
