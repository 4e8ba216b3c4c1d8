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
using FinanceIngest.Storage.SqlServer;
using Microsoft.Extensions.DependencyInjection;

namespace FinanceIngest.Composition;

/// <summary>Registers the stores of a process that uses SQL Server.</summary>
internal static class SqlServerStores
{
    /// <summary>Adds every store, for the database of <c>SQL_CONNECTION_STRING</c>. No connection is opened yet.</summary>
    /// <exception cref="SettingsException">SQL Server's client can't run in this process.</exception>
    public static IServiceCollection AddSqlServerStores(this IServiceCollection services, Settings settings)
    {
        RequireGlobalization();
        services.AddSingleton(provider => new SqlServerDatabase(
            settings.SqlConnectionString!,
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<Dependencies>().Database,
            kind: settings.Roles.HasFlag(Roles.Intake) ? SqlServerUse.Answers : settings.Roles == Roles.None ? SqlServerUse.Commands : SqlServerUse.Works));
        services.AddSingleton<IDatabaseMigrator, SqlServerMigrator>();
        services.AddSingleton<IScoringStore, SqlServerScoringStore>();
        services.AddSingleton<SqlServerResultsStore>();
        services.AddSingleton<IResultsStore>(provider => new WordedResultsStore(
            provider.GetRequiredService<SqlServerResultsStore>(), Wording.Of(settings.Language, settings.Currency)));
        services.AddSingleton<SqlServerHistoryStore>();
        services.AddSingleton<IHistoryStore>(provider => new WordedHistoryStore(
            provider.GetRequiredService<SqlServerHistoryStore>(), Wording.Of(settings.Language, settings.Currency)));
        services.AddSingleton<IBaselineStore, SqlServerBaselineStore>();
        services.AddSingleton<IAlertOutbox, SqlServerAlertOutbox>();
        services.AddSingleton<IPoisonStore, SqlServerPoisonStore>();
        services.AddSingleton<IRetentionStore, SqlServerRetentionStore>();
        services.AddSingleton<IOverviewStore, SqlServerOverviewStore>();
        services.AddSingleton<IConflictStore, SqlServerConflictStore>();
        services.AddSingleton<IDeliveryStore, SqlServerDeliveryStore>();
        services.AddSingleton<IFinishedDeliveries, SqlServerDeliveryStore>();
        services.AddSingleton<INotificationDestinationStore, SqlServerNotificationDestinationStore>();
        services.AddSingleton<SqlServerCommandStore>();
        services.AddSingleton<ICommandProgress>(provider => provider.GetRequiredService<SqlServerCommandStore>());
        services.AddSingleton<ISensitivityStore>(provider => provider.GetRequiredService<SqlServerCommandStore>());
        services.AddSingleton<IDatabaseInspector, SqlServerInspector>();
        services.AddSingleton<IInstallationStore, SqlServerInstallationStore>();
        services.AddSingleton<ILearningStore, SqlServerLearningStore>();
        services.AddSingleton<IReplayStore, SqlServerReplayStore>();
        return services;
    }

    // SqlClient refuses every connection when ICU is missing (https://github.com/dotnet/SqlClient/issues/1249). Images without ICU set the variable below.
    private static void RequireGlobalization()
    {
        bool invariant = AppContext.TryGetSwitch("System.Globalization.Invariant", out bool set)
            ? set
            : Environment.GetEnvironmentVariable("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT") is { } variable
                && (variable == "1" || variable.Equals("true", StringComparison.OrdinalIgnoreCase));
        if (invariant)
        {
            throw new SettingsException(
                "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "SQL Server's client needs globalization data: install ICU (libicu, icu-libs) and set this to false.");
        }
    }
}
