using FinanceIngest.Alerts;

namespace FinanceIngest.Tests.Alerts;

public sealed class DispatchScheduleTests
{
    private readonly DispatchSchedule _schedule = new();

    [Fact]
    public void The_first_look_comes_at_once_for_what_an_earlier_process_left() =>
        Assert.Equal(new NextLook(TimeSpan.Zero, LookReason.EarlierProcess), DispatchSchedule.First);

    [Fact]
    public void While_nothing_is_unsent_the_next_look_is_a_routine_one_in_ten_seconds() =>
        Assert.Equal(new NextLook(TimeSpan.FromSeconds(10), LookReason.Routine), _schedule.AfterDrain(isAnyUnsent: false));

    [Fact]
    public void While_other_processes_hold_alerts_the_next_look_comes_in_five_seconds() =>
        Assert.Equal(new NextLook(TimeSpan.FromSeconds(5), LookReason.ClaimsOfOthers), _schedule.AfterDrain(isAnyUnsent: true));

    [Fact]
    public void After_failures_in_a_row_the_wait_doubles_up_to_ten_seconds_with_half_of_it_left_to_chance()
    {
        double[] longest = [0.5, 1, 2, 4, 8, 10, 10, 10];

        Assert.All(longest, step =>
        {
            NextLook next = _schedule.AfterFailure();
            Assert.Equal(LookReason.Failure, next.Reason);
            Assert.InRange(next.Wait.TotalSeconds, step / 2, step);
        });
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void After_a_drain_a_failure_counts_as_the_first_one_again(bool isAnyUnsent)
    {
        for (int failure = 0; failure < 5; failure++)
        {
            _schedule.AfterFailure();
        }

        _schedule.AfterDrain(isAnyUnsent);

        Assert.InRange(_schedule.AfterFailure().Wait.TotalSeconds, 0.25, 0.5);
    }

    [Fact]
    public void Every_look_but_the_routine_one_is_reason_enough_to_ask_the_database() =>
        Assert.Equal([LookReason.Routine], Enum.GetValues<LookReason>().Where(reason => !new NextLook(TimeSpan.Zero, reason).IsDue));
}
