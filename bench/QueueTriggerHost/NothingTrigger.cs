using System.Diagnostics.CodeAnalysis;
using Microsoft.Azure.WebJobs;

namespace FinanceIngest.Bench.QueueTriggerHost;

/// <summary>Takes a message with one transaction and does nothing: all that is left is what the SDK itself costs.</summary>
public static class NothingTrigger
{
    /// <summary>Runs for each message.</summary>
    [SuppressMessage("Style", "IDE0060", Justification = "The parameter is the trigger.")]
    public static void Run([QueueTrigger("%inbound%")] string message)
    {
    }
}
