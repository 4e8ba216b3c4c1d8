using FinanceIngest.Intake;

namespace FinanceIngest.Tests.Intake;

/// <summary>Decides when a message that gathers transactions is sent.</summary>
public sealed class GroupCommitRuleTests
{
    private const int Full = 250;
    private readonly GroupCommitRule _rule;
    private bool _isWorkWaiting;
    private int _asked;

    public GroupCommitRuleTests() => _rule = new GroupCommitRule(() =>
    {
        _asked++;
        return _isWorkWaiting;
    });

    [Theory]
    [InlineData(0)]
    [InlineData(GroupCommitRule.MaximumConcurrentSends)]
    public void An_empty_message_waits_for_its_first_transaction(int sending) => Assert.Equal(SendStep.WaitFor(1), _rule.Next(MessageFill.Empty, 0, sending));

    [Fact]
    public void A_lone_message_lets_others_run_once_and_leaves()
    {
        Assert.Equal([SendStep.LetOthersRun, SendStep.Send], Next(MessageFill.Partial, sending: 0, times: 2));
    }

    [Fact]
    public void While_work_waits_for_a_thread_a_message_lets_it_run_a_few_times_and_leaves()
    {
        _isWorkWaiting = true;

        SendStep[] steps = Next(MessageFill.Partial, sending: 0, times: GroupCommitRule.MaximumYields + 1);

        Assert.All(steps[..^1], step => Assert.Equal(SendStep.LetOthersRun, step));
        Assert.Equal(SendStep.Send, steps[^1]);
    }

    [Fact]
    public void The_message_after_one_that_left_lets_others_run_again()
    {
        Next(MessageFill.Partial, sending: 0, times: 2);

        Assert.Equal(SendStep.LetOthersRun, _rule.Next(MessageFill.Partial, 1, sending: 0));
    }

    [Theory]
    [InlineData(1, 1, GroupCommitRule.WorthASend - 1)]
    [InlineData(GroupCommitRule.WorthASend - 1, GroupCommitRule.MaximumConcurrentSends - 1, 1)]
    public void A_message_that_is_not_worth_an_operation_gathers_while_another_is_being_sent(int count, int sending, int missing) =>
        Assert.Equal(SendStep.WaitFor(missing), _rule.Next(MessageFill.Partial, count, sending));

    [Theory]
    [InlineData(1)]
    [InlineData(GroupCommitRule.MaximumConcurrentSends - 1)]
    public void A_message_that_is_worth_an_operation_leaves_beside_others_once_waiting_work_has_run(int sending)
    {
        _isWorkWaiting = true;
        SendStep[] steps = [.. Enumerable.Range(0, GroupCommitRule.MaximumYields + 1)
            .Select(_ => _rule.Next(MessageFill.Partial, GroupCommitRule.WorthASend, sending))];

        Assert.All(steps[..^1], step => Assert.Equal(SendStep.LetOthersRun, step));
        Assert.Equal(SendStep.Send, steps[^1]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(GroupCommitRule.MaximumConcurrentSends - 1)]
    public void A_full_message_leaves_at_once_beside_others(int sending)
    {
        _isWorkWaiting = true;

        Assert.Equal(SendStep.Send, _rule.Next(MessageFill.Full, Full, sending));
    }

    [Theory]
    [InlineData(Full)]
    [InlineData(GroupCommitRule.WorthASend)]
    [InlineData(1)]
    public void A_message_waits_for_the_end_of_a_send_when_as_many_as_may_are_being_sent(int count) => Assert.Equal(
        SendStep.WaitForSend,
        _rule.Next(count == Full ? MessageFill.Full : MessageFill.Partial, count, GroupCommitRule.MaximumConcurrentSends));

    [Fact]
    public void The_thread_pool_is_asked_for_nothing_while_the_message_can_not_leave_or_must()
    {
        _rule.Next(MessageFill.Empty, 0, 0);
        _rule.Next(MessageFill.Partial, 1, 1);
        _rule.Next(MessageFill.Full, Full, 0);
        _rule.Next(MessageFill.Full, Full, GroupCommitRule.MaximumConcurrentSends);

        Assert.Equal(0, _asked);
    }

    private SendStep[] Next(MessageFill fill, int sending, int times) => [.. Enumerable.Range(0, times).Select(_ => _rule.Next(fill, 1, sending))];
}
