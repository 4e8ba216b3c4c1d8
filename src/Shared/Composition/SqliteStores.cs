using FinanceIngest.Alerts;
using FinanceIngest.Baselines;
using FinanceIngest.Commands;
using FinanceIngest.Configuration;
using FinanceIngest.Detection;
using FinanceIngest.Health;
using FinanceIngest.Learning;
using FinanceIngest.Notifications.Deliveries;
using FinanceIngest.Notifications.Destinations;
using FinanceIngest.Overview;
using FinanceIngest.Poison;
using FinanceIngest.Preferences;
using FinanceIngest.Replay;
using FinanceIngest.Results;
using FinanceIngest.Retention;
using FinanceIngest.Scoring;
using FinanceIngest.SigningKeys;
using FinanceIngest.Storage;
using FinanceIngest.Storage.Sqlite;
using Microsoft.Extensions.DependencyInjection;

namespace FinanceIngest.Composition;

/// <summary>Registers the stores of a process that uses SQLite.</summary>
internal static class SqliteStores
{
    /// <summary>Adds every store, for <c>finance-ingest.db</c> in the data directory. No file is opened yet.</summary>
    public static IServiceCollection AddSqliteStores(this IServiceCollection services, Settings settings)
    {
        services.AddSingleton(provider => new SqliteDatabase(
            settings.DataDirectory,
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<Dependencies>().Database,
            settings.ReadsOnly));
        services.AddSingleton<IDatabaseMigrator, SqliteMigrator>();
        services.AddSingleton<IScoringStore, SqliteScoringStore>();
        services.AddSingleton<SqliteResultsStore>();
        services.AddSingleton<IResultsStore>(provider => new WordedResultsStore(
            provider.GetRequiredService<SqliteResultsStore>(), Wording.Of(settings.Language, settings.Currency)));
        services.AddSingleton<SqliteHistoryStore>();
        services.AddSingleton<IHistoryStore>(provider => new WordedHistoryStore(
            provider.GetRequiredService<SqliteHistoryStore>(), Wording.Of(settings.Language, settings.Currency)));
        services.AddSingleton<IBaselineStore, SqliteBaselineStore>();
        services.AddSingleton<IAlertOutbox, SqliteAlertOutbox>();
        services.AddSingleton<IPoisonStore, SqlitePoisonStore>();
        services.AddSingleton<IRetentionStore, SqliteRetentionStore>();
        services.AddSingleton<IOverviewStore, SqliteOverviewStore>();
        services.AddSingleton<IConflictStore, SqliteConflictStore>();
        services.AddSingleton<IDeliveryStore, SqliteDeliveryStore>();
        services.AddSingleton<IFinishedDeliveries, SqliteDeliveryStore>();
        services.AddSingleton<INotificationDestinationStore, SqliteNotificationDestinationStore>();
        services.AddSingleton<SqliteCommandStore>();
        services.AddSingleton<ICommandProgress>(provider => provider.GetRequiredService<SqliteCommandStore>());
        services.AddSingleton<ISensitivityStore>(provider => provider.GetRequiredService<SqliteCommandStore>());
        services.AddSingleton<IDatabaseInspector, SqliteInspector>();
        services.AddSingleton<IInstallationStore, SqliteInstallationStore>();
        services.AddSingleton<ILearningStore, SqliteLearningStore>();
        services.AddSingleton<IReplayStore, SqliteReplayStore>();
        return services;
    }
}
