using FinanceIngest.Poison;
using FinanceIngest.Retention;
using Microsoft.Extensions.DependencyInjection;

namespace FinanceIngest.Composition;

/// <summary>Registers the operations of operators: putting poison messages back, removing old data, erasing a person's data.</summary>
internal static class OperatorServices
{
    public static IServiceCollection AddPoisonOperations(this IServiceCollection services) => services
        .AddSingleton<PoisonOperations>()
        .AddSingleton<PoisonErasure>();

    public static IServiceCollection AddRetention(this IServiceCollection services) => services
        .AddSingleton<RetentionPurge>()
        .AddSingleton<UserErasure>();
}
