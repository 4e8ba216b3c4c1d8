using System.Diagnostics.CodeAnalysis;
using Microsoft.Azure.WebJobs;

namespace FinanceIngest.Bench.QueueTriggerHost;

/// <summary>Receives a message with one transaction and does nothing, so that only the cost of the SDK is measured.</summary>
public static class NothingTrigger
{
    /// <summary>Runs for each message.</summary>
    [SuppressMessage("Style", "IDE0060", Justification = "The parameter is the trigger.")]
    public static void Run([QueueTrigger("%inbound%")] string message)
    {
    }
}
