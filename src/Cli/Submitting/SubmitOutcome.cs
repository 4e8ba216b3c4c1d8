using FinanceIngest.Hosting;

namespace FinanceIngest.Cli.Submitting;

/// <summary>The outcome of a submission.</summary>
/// <param name="Tally">The outcomes of rows.</param>
/// <param name="Scores">The results of accepted rows; null when the command did not wait for them.</param>
/// <param name="Elapsed">The duration of the submission.</param>
/// <param name="Problem">Why the submission ended early; null when it did not.</param>
/// <param name="KeysUseContent">Whether rows of an edited file would get new idempotency keys.</param>
internal sealed record SubmitOutcome(SubmitTally Tally, ScoreSummary? Scores, TimeSpan Elapsed, string? Problem, bool KeysUseContent)
{
    /// <summary>0 when every row was accepted and, if the command waited for results, scored; 1 otherwise.</summary>
    public int ExitCode =>
        Problem is null && Tally is { Rejected: 0, Unsent: 0 } && Scores is null or { Failed: 0, Other: 0 } ? ProgramHost.Done : ProgramHost.Failed;
}
