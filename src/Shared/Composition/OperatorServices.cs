using FinanceIngest.Learning;
using FinanceIngest.Poison;
using FinanceIngest.Replay;
using FinanceIngest.Results;
using FinanceIngest.Retention;
using FinanceIngest.Transactions;
using Microsoft.Extensions.DependencyInjection;

namespace FinanceIngest.Composition;

/// <summary>Registers the operations of operators: putting poison messages back, reading results, removing old data, erasing a person's data,
/// checking what was learned, scoring a history again.</summary>
internal static class OperatorServices
{
    public static IServiceCollection AddPoisonOperations(this IServiceCollection services) => services
        .AddSingleton<PoisonOperations>()
        .AddSingleton<PoisonErasure>();

    public static IServiceCollection AddResultsReader(this IServiceCollection services) => services.AddSingleton(provider =>
        new ResultsReader(provider.GetRequiredService<IResultsStore>(), provider.GetRequiredService<IdCertifier>()));

    public static IServiceCollection AddRetention(this IServiceCollection services) => services
        .AddSingleton<RetentionPurge>()
        .AddSingleton<UserErasure>();

    public static IServiceCollection AddDetectionOperations(this IServiceCollection services) => services
        .AddSingleton(provider => new StateAudit(provider.GetRequiredService<ILearningStore>()))
        .AddSingleton<DetectorComparison>()
        .AddSingleton<HistoryReplay>();
}
