using FinanceIngest.Alerts;
using FinanceIngest.Baselines;
using FinanceIngest.Configuration;
using FinanceIngest.Health;
using FinanceIngest.Poison;
using FinanceIngest.Results;
using FinanceIngest.Retention;
using FinanceIngest.Scoring;
using FinanceIngest.SigningKeys;
using FinanceIngest.Storage;
using FinanceIngest.Storage.SqlServer;
using Microsoft.Extensions.DependencyInjection;

namespace FinanceIngest.Composition;

/// <summary>SQL Server as the database of a process.</summary>
internal static class SqlServerStores
{
    /// <summary>Adds every store, on the database of <c>SQL_CONNECTION_STRING</c>. Nothing is opened here.</summary>
    /// <exception cref="SettingsException">This process can't talk to SQL Server.</exception>
    public static IServiceCollection AddSqlServerStores(this IServiceCollection services, Settings settings)
    {
        RequireGlobalization();
        services.AddSingleton(provider => new SqlServerDatabase(
            settings.SqlConnectionString!, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<Dependencies>().Database));
        services.AddSingleton<IDatabaseMigrator, SqlServerMigrator>();
        services.AddSingleton<IScoringStore, SqlServerScoringStore>();
        services.AddSingleton<IResultsStore, SqlServerResultsStore>();
        services.AddSingleton<IBaselineStore, SqlServerBaselineStore>();
        services.AddSingleton<IAlertOutbox, SqlServerAlertOutbox>();
        services.AddSingleton<IPoisonStore, SqlServerPoisonStore>();
        services.AddSingleton<IRetentionStore, SqlServerRetentionStore>();
        services.AddSingleton<IInstallationStore, SqlServerInstallationStore>();
        return services;
    }

    // SqlClient refuses every connection without ICU (https://github.com/dotnet/SqlClient/issues/1249). Images without ICU set the variable.
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
