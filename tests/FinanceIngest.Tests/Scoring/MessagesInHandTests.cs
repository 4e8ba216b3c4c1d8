using FinanceIngest.Configuration;
using FinanceIngest.Queueing;
using FinanceIngest.Scoring;
using FinanceIngest.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace FinanceIngest.Tests.Scoring;

/// <summary>The end of a batch takes a bounded time, even when its queue hangs.</summary>
public sealed class MessagesInHandTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task A_renewal_that_hangs_does_not_keep_a_delete_from_being_cut_off_after_the_abandonment()
    {
        var message = new HangingMessage { Id = "1", Body = "", InsertedAt = DateTime.UnixEpoch, DequeueCount = 1 };
        using var abandon = new CancellationTokenSource();
        var leases = new LeaseKeeper([message], _time.GetTimestamp(), Deadlines.Lease, TestTelemetry.Create(_time), _time);
        var hand = new MessagesInHand([message], leases, _time, NullLogger.Instance, abandon.Token);
        _ = leases.RenewAsync(message);
        Task delete = hand.DeleteAsync(message);

        await abandon.CancelAsync();
        _time.Advance(Deadlines.SettleAfterAbandon - TimeSpan.FromTicks(1));
        Assert.False(delete.IsCompleted);
        _time.Advance(TimeSpan.FromTicks(1));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => delete);
        Assert.True(Deadlines.SettleAfterAbandon < Deadlines.Renewal, "Else the renewal itself is over by then, and this test shows nothing.");
        Task end = hand.DisposeAsync().AsTask();
        await Eventually.TrueAsync(
            () =>
            {
                _time.Advance(TimeSpan.FromSeconds(1));
                return end.IsCompleted;
            },
            TestContext.Current.CancellationToken);
    }

    /// <summary>A message whose lease extensions end only when their token is cancelled.</summary>
    private sealed class HangingMessage : LeasedMessage
    {
        public override Task<bool> TryDeleteAsync(CancellationToken cancellationToken) => Task.FromResult(true);

        public override async Task<bool> TryExtendAsync(TimeSpan lease, CancellationToken cancellationToken)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            return true;
        }
    }
}
