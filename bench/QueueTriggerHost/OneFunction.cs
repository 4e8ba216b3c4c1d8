using Microsoft.Azure.WebJobs;

namespace FinanceIngest.Bench.QueueTriggerHost;

/// <summary>The host runs this function only.</summary>
internal sealed class OneFunction(Type type) : ITypeLocator
{
    public IReadOnlyList<Type> GetTypes() => [type];
}
