using FinanceIngest.Ground;
using FinanceIngest.Queueing;
using FinanceIngest.Scoring;
using FinanceIngest.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace FinanceIngest.Tests.Queueing;

public sealed class LeaseKeeperTests
{
    private static readonly TimeSpan s_lease = TimeSpan.FromSeconds(24);
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task A_message_is_held_for_one_lease_from_before_it_was_asked_for()
    {
        long askedAt = _time.GetTimestamp();
        _time.Advance(TimeSpan.FromSeconds(5));
        var message = new ScriptedMessage(_ => throw new InvalidOperationException("no answer"));
        await using LeaseKeeper keeper = Keep(message, askedAt);

        _time.Advance(s_lease - TimeSpan.FromSeconds(5) - TimeSpan.FromTicks(1));
        Assert.True(keeper.IsHeld(message));
        _time.Advance(TimeSpan.FromTicks(1));
        Assert.False(keeper.IsHeld(message));
    }

    [Fact]
    public async Task Renewals_hold_it_on_and_one_failure_between_them_does_no_harm()
    {
        int calls = 0;
        var message = new ScriptedMessage(_ => Interlocked.Increment(ref calls) % 2 == 1
            ? throw new QueueUnavailableException("q", new IOException("500"))
            : Task.FromResult(true));
        await using LeaseKeeper keeper = Keep(message, _time.GetTimestamp());

        for (int third = 1; third <= 9; third++)
        {
            _time.Advance(s_lease / 3);
            await Eventually.TrueAsync(() => Volatile.Read(ref calls) == third, TestContext.Current.CancellationToken);
            Assert.True(keeper.IsHeld(message));
        }
    }

    [Fact]
    public async Task A_renewal_that_is_refused_loses_it_for_good()
    {
        var message = new ScriptedMessage(_ => Task.FromResult(false));
        await using LeaseKeeper keeper = Keep(message, _time.GetTimestamp());

        _time.Advance(s_lease / 3);
        await Eventually.TrueAsync(() => !keeper.IsHeld(message), TestContext.Current.CancellationToken);
        await keeper.RenewAsync(message);

        Assert.Equal(1, message.Extensions);
    }

    [Fact]
    public async Task A_renewal_that_hangs_is_cut_off_and_delays_no_other()
    {
        var hanging = new ScriptedMessage(token => Task.Delay(Timeout.InfiniteTimeSpan, token).ContinueWith(_ => true, token));
        var other = new ScriptedMessage(_ => Task.FromResult(true));
        await using LeaseKeeper keeper = Keep([hanging, other], _time.GetTimestamp());

        for (int third = 1; third <= 4; third++)
        {
            _time.Advance(s_lease / 3);
            await Eventually.TrueAsync(() => other.Extensions == third, TestContext.Current.CancellationToken);
        }

        Assert.True(keeper.IsHeld(other));
        Assert.False(keeper.IsHeld(hanging));
        Assert.True(hanging.Extensions > 1);
    }

    [Fact]
    public async Task What_was_dropped_is_not_taken_up_again_by_a_renewal_that_was_under_way()
    {
        var answer = new TaskCompletionSource<bool>();
        var message = new ScriptedMessage(_ => answer.Task);
        await using LeaseKeeper keeper = Keep(message, _time.GetTimestamp());
        Task renewal = keeper.RenewAsync(message);

        keeper.Lose(message, "commit");
        answer.SetResult(true);
        await renewal;

        Assert.False(keeper.IsHeld(message));
    }

    [Fact]
    public async Task A_released_message_waits_for_its_renewal_and_is_renewed_no_more()
    {
        var answer = new TaskCompletionSource<bool>();
        var message = new ScriptedMessage(_ => answer.Task);
        await using LeaseKeeper keeper = Keep(message, _time.GetTimestamp());
        Task renewal = keeper.RenewAsync(message);

        Task released = keeper.ReleaseAsync(message);
        Assert.False(released.IsCompleted);
        answer.SetResult(true);
        await released;
        await renewal;
        await keeper.RenewAsync(message);

        Assert.Equal(1, message.Extensions);
    }

    [Fact]
    public async Task At_the_end_a_hanging_renewal_is_given_two_seconds()
    {
        var message = new ScriptedMessage(token => Task.Delay(Timeout.InfiniteTimeSpan, token).ContinueWith(_ => true, token));
        LeaseKeeper keeper = Keep(message, _time.GetTimestamp());
        _ = keeper.RenewAsync(message);

        Task end = keeper.DisposeAsync().AsTask();
        await Eventually.TrueAsync(
            () =>
            {
                _time.Advance(TimeSpan.FromSeconds(1));
                return end.IsCompleted;
            },
            TestContext.Current.CancellationToken);
    }

    private LeaseKeeper Keep(ScriptedMessage message, long askedAt) => Keep([message], askedAt);

    private LeaseKeeper Keep(ScriptedMessage[] messages, long askedAt) => new(messages, askedAt, s_lease, TestTelemetry.Create(_time), _time);

    /// <summary>A message whose lease extensions the test answers.</summary>
    private sealed class ScriptedMessage : LeasedMessage
    {
        private readonly Func<CancellationToken, Task<bool>> _extend;
        private int _extensions;

        [System.Diagnostics.CodeAnalysis.SetsRequiredMembers]
        public ScriptedMessage(Func<CancellationToken, Task<bool>> extend)
        {
            _extend = extend;
            Id = "m";
            Body = "m";
            InsertedAt = default;
            DequeueCount = 1;
        }

        public int Extensions => Volatile.Read(ref _extensions);

        public override Task<bool> TryDeleteAsync(CancellationToken cancellationToken) => Task.FromResult(true);

        public override Task<bool> TryExtendAsync(TimeSpan lease, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _extensions);
            return _extend(cancellationToken);
        }
    }
}
