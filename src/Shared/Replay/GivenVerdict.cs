using FinanceIngest.Detection;

namespace FinanceIngest.Replay;

/// <summary>A verdict that holds.</summary>
/// <param name="Id">The transaction that it is about.</param>
/// <param name="IsExpected">True: the transaction was its user's own; false: it was not.</param>
/// <param name="AcceptedAt">When the command that gave it was accepted, UTC.</param>
public readonly record struct GivenVerdict(Guid Id, bool IsExpected, DateTime AcceptedAt)
{
    internal FeedbackVerdict Verdict => IsExpected ? FeedbackVerdict.Expected : FeedbackVerdict.Unexpected;
}
