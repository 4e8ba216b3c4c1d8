using FinanceIngest.Configuration;
using FinanceIngest.Health;
using FinanceIngest.Notifications;
using FinanceIngest.Observability;
using FinanceIngest.Overview;
using FinanceIngest.SigningKeys;
using FinanceIngest.Storage.Sqlite;
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
        services.AddSingleton(provider => SigningKey.Of(
            settings, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<Dependencies>().SigningKey));
        services.AddSingleton(provider => CreateCertifier(settings, provider));
        services.AddQueues(settings);
        services.AddPoisonOperations();
        services.AddRetention();
        services.AddResultsReader();
        services.AddDetectionOperations();
        services.AddSingleton(DeliveryOperations.Of);
        services.AddSingleton<InstallationOverview>();
        services.AddSingleton(provider => ThisProcess.Of(settings, provider.GetRequiredService<TimeProvider>()));
        return settings.UsesSqlServer ? services.AddSqlServerStores(settings) : services.AddSqliteStores(settings);
    }

    // A database beside the program is asked at once, before any id is issued; one of SQL Server may be asleep, and the worker asks it. Where the
    // installation had a key that is missing, no other is made, which would look like the right one.
    private static IdCertifier CreateCertifier(Settings settings, IServiceProvider provider)
    {
        string? remembered =
            settings.UsesSqlServer || settings.ReadsOnly ? null : SqliteInstallationStore.Remembered(settings.DataDirectory, SigningKeyCheck.Name);
        if (remembered is not null && settings.IdSigningKey is null && !File.Exists(SigningKeyFile.PathIn(settings.DataDirectory)))
        {
            throw new SettingsException(
                "FinanceIngest__IdSigningKey",
                $"{SigningKeyFile.PathIn(settings.DataDirectory)} is missing, and the database remembers that it had one (fingerprint {remembered}); "
                    + "restore it from a backup, or set the key.");
        }

        var ids = new IdCertifier(provider.GetRequiredService<SigningKey>().Secret, provider.GetRequiredService<TimeProvider>());
        SigningKeyCheck.Compare(ids, remembered);
        return ids;
    }
}
