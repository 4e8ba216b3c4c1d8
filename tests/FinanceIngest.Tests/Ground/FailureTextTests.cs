using FinanceIngest.Ground;

namespace FinanceIngest.Tests.Ground;

public sealed class FailureTextTests
{
    [Fact]
    public void An_unexpected_failure_is_told_by_its_kind_and_never_by_its_message()
    {
        string reason = FailureText.Reason(new FormatException("user 399 spent 6000", new InvalidOperationException("6000")));

        Assert.Equal("System.FormatException, by System.InvalidOperationException.", reason);
    }

    [Fact]
    public void An_outage_says_what_is_down_at_a_bounded_length()
    {
        Assert.Equal("Queue 'q' is unavailable: it is full.", FailureText.Reason(new QueueUnavailableException("q", "it is full.", new IOException("x"))));
        string reason = FailureText.Reason(new StoreUnavailableException(new IOException(new string('x', 1_000_000))));
        Assert.StartsWith("The database is unavailable: xxx", reason, StringComparison.Ordinal);
        Assert.InRange(reason.Length, FailureText.LongestReason, FailureText.LongestReason + 40);
    }

    [Fact]
    public void A_dependency_remembers_a_bounded_problem()
    {
        var status = new DependencyStatus("x");

        status.Failed(new IOException(new string('x', 1_000_000)));

        Assert.InRange(status.Problem!.Length, 1, FailureText.LongestReason + 40);
    }
}
