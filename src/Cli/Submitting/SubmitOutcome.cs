using FinanceIngest.Hosting;

namespace FinanceIngest.Cli.Submitting;

/// <summary>How a submission ended.</summary>
/// <param name="Tally">What became of the rows.</param>
/// <param name="Scores">What came of them; null when nobody waited for it.</param>
/// <param name="Elapsed">How long it took.</param>
/// <param name="Problem">What ended it early; null when nothing did.</param>
/// <param name="KeysUseContent">Whether an edited file would be another file to the API.</param>
internal sealed record SubmitOutcome(SubmitTally Tally, ScoreSummary? Scores, TimeSpan Elapsed, string? Problem, bool KeysUseContent)
{
    /// <summary>0 only when every row was accepted and, if it was waited for, scored.</summary>
    public int ExitCode =>
        Problem is null && Tally is { Rejected: 0, Unsent: 0 } && Scores is null or { Failed: 0, Other: 0 } ? ProgramHost.Done : ProgramHost.Failed;
}
