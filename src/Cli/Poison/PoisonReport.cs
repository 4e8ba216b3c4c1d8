using FinanceIngest.Cli.Running;
using FinanceIngest.Hosting;
using FinanceIngest.Poison;

namespace FinanceIngest.Cli.Poison;

/// <summary>Reports the outcome of a command on poison messages.</summary>
internal static class PoisonReport
{
    /// <summary>Writes the outcome and returns the exit code, which is 0 only when every message was handled.</summary>
    /// <param name="report">The report.</param>
    /// <param name="done">The verb for messages that were handled: <c>redriven</c> or <c>dropped</c>.</param>
    /// <param name="outcome">The outcome.</param>
    public static int Write(Report report, string done, PoisonOutcome outcome)
    {
        if (report.Json)
        {
            report.WriteJson(json => PoisonJson.Write(json, done, outcome));
        }
        else
        {
            WriteDone(report, done, outcome);
        }

        foreach (string id in outcome.Unknown)
        {
            report.Note($"There is no poison message {id}.");
        }

        foreach (PoisonRefusal refusal in outcome.Refused)
        {
            report.Note($"{refusal.MessageId} stays: {refusal.Reason}.");
        }

        if (outcome.OutOfReach > 0)
        {
            report.Note(
                $"Another process holds {outcome.OutOfReach} of the poison queue's messages, for at most five minutes, so no record was removed. "
                    + "Run the command again afterwards; a repeat is harmless.");
        }

        return outcome is { Unknown.Count: 0, Refused.Count: 0, OutOfReach: 0 } ? ProgramHost.Done : ProgramHost.Failed;
    }

    private static void WriteDone(Report report, string done, PoisonOutcome outcome)
    {
        report.WriteLine($"{Counted.Of(outcome.Done.Count, "poison message")} {done}.");
        if (outcome.DoneWithoutRecord > 0)
        {
            report.WriteLine($"{Counted.Of(outcome.DoneWithoutRecord, "message")} of the poison queue without a record {done}.");
        }
    }
}
