using FinanceIngest.Configuration;
using FinanceIngest.Health;
using FinanceIngest.Observability;
using FinanceIngest.Overview;
using FinanceIngest.SigningKeys;
using FinanceIngest.Transactions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace FinanceIngest.Composition;

/// <summary>Registers the services that every program needs, according to its settings.</summary>
public static class FinanceIngestServices
{
    /// <summary>
    /// Adds ids, storage, queues, the operations on poison messages and old data, and the time that a host has to stop. No file or connection is opened yet.
    /// </summary>
    /// <exception cref="SettingsException">This process can't use the database that the settings name.</exception>
    public static IServiceCollection AddFinanceIngest(this IServiceCollection services, Settings settings)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(settings);
        services.AddSingleton<Dependencies>();
        services.AddMetrics();
        services.Configure<HostOptions>(options => options.ShutdownTimeout = Deadlines.HostStop);
        services.AddSingleton<Telemetry>();
        services.AddSingleton(provider => new IdCertifier(
            settings.IdSigningKey ?? SigningKeyFile.Of(settings), provider.GetRequiredService<TimeProvider>()));
        services.AddQueues(settings);
        services.AddPoisonOperations();
        services.AddRetention();
        services.AddResultsReader();
        services.AddSingleton<InstallationOverview>();
        services.AddSingleton(provider => ThisProcess.Of(settings, provider.GetRequiredService<TimeProvider>()));
        return settings.UsesSqlServer ? services.AddSqlServerStores(settings) : services.AddSqliteStores(settings);
    }
}
