using FinanceIngest.Poison;
using FinanceIngest.Retention;
using Microsoft.Extensions.DependencyInjection;

namespace FinanceIngest.Composition;

/// <summary>What operators do by hand, and a process at times: putting poison messages back, removing what is old, erasing a person.</summary>
internal static class OperatorServices
{
    public static IServiceCollection AddPoisonOperations(this IServiceCollection services) => services
        .AddSingleton<PoisonOperations>()
        .AddSingleton<PoisonErasure>();

    public static IServiceCollection AddRetention(this IServiceCollection services) => services
        .AddSingleton<RetentionPurge>()
        .AddSingleton<UserErasure>();
}
