using FinanceIngest.Composition;
using FinanceIngest.Configuration;
using FinanceIngest.Tests.Documentation;
using FinanceIngest.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace FinanceIngest.Tests.Configuration;

/// <summary>Adds up <see cref="Deadlines"/>: no path of a stop, or of the recovery after a crash, takes longer than its guarantee allows.</summary>
public sealed class DeadlinesTests
{
    private static readonly TimeSpan s_sqliteLock = TimeSpan.FromSeconds(Deadlines.SqliteLockSeconds);

    // SqlClient waits this long for the server to acknowledge the cancellation of a command, then gives the connection up (AttentionTimeoutSeconds in its
    // TdsParserStateObject).
    private static readonly TimeSpan s_sqlCancellation = TimeSpan.FromSeconds(5);

    // Time allowed for closing queues and stores and for the end of the process.
    private static readonly TimeSpan s_close = TimeSpan.FromSeconds(1);

    // Time allowed for Kestrel to write a small response and close its connection. The sender refuses a request at once after it has ended.
    private static readonly TimeSpan s_answer = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan s_poll = new Settings { DataDirectory = "." }.MaximumPollInterval;

    [Fact]
    public void Guarantee_7_is_25_and_30_seconds() => Assert.Equal((25, 30), (Deadlines.Stop.TotalSeconds, Deadlines.Recovery.TotalSeconds));

    [Fact]
    public void Stop_of_a_host_leaves_time_to_close_queues_and_stores() => AtMost(Deadlines.Stop, Deadlines.HostStop, s_close);

    [Fact]
    public void Stop_of_a_worker_whose_batch_has_committed_and_whose_queue_hangs() =>
        AtMost(Deadlines.HostStop, Deadlines.FinishInHand, Deadlines.SettleAfterAbandon, Deadlines.RenewalsEnd, Deadlines.GiveBack);

    [Fact]
    public void Stop_of_a_worker_whose_sqlite_file_is_locked() =>
        AtMost(Deadlines.HostStop, Deadlines.FinishInHand, s_sqliteLock, Deadlines.RenewalsEnd, Deadlines.GiveBack);

    [Fact]
    public void Stop_of_a_worker_whose_sql_server_hangs() =>
        AtMost(Deadlines.HostStop, Deadlines.FinishInHand, s_sqlCancellation, Deadlines.RenewalsEnd, Deadlines.GiveBack);

    // The attempt in hand ends, a mail server hears QUIT, and outcome and claim are written.
    [Fact]
    public void Stop_of_a_notifier_with_an_attempt_in_hand() =>
        AtMost(Deadlines.HostStop, Deadlines.NotifySend, s_sqliteLock, TimeSpan.FromSeconds(2), s_sqliteLock);

    [Fact]
    public void A_channels_claim_outlives_its_attempts() => AtMost(Deadlines.ChannelClaim, Deadlines.NotifySending, Deadlines.NotifySend, s_sqliteLock);

    [Fact]
    public void A_crashed_notifiers_channel_is_taken_over_in_time() => AtMost(Deadlines.Recovery, Deadlines.ChannelClaim, Deadlines.ChannelClaimOfOther);

    [Fact]
    public void Stop_of_a_worker_with_a_message_in_a_child_process() =>
        AtMost(Deadlines.HostStop, Deadlines.FinishInHand, Deadlines.RenewalsEnd, Deadlines.GiveBack);

    [Fact]
    public void Stop_with_requests_whose_send_hangs() => AtMost(Deadlines.HostStop, Deadlines.FinishInHand, s_answer);

    [Fact]
    public void Stop_with_a_queue_file_that_is_locked_when_sends_are_abandoned() => AtMost(Deadlines.HostStop, Deadlines.FinishInHand, s_sqliteLock);

    [Fact]
    public void Stop_with_a_probe_under_way() => AtMost(Deadlines.HostStop, Code.Value<TimeSpan>("HealthEndpoints", "s_probeTimeout"), s_answer);

    [Fact]
    public void Stop_of_a_dispatcher_that_has_just_claimed() => AtMost(Deadlines.HostStop, Deadlines.AlertSend, s_sqliteLock);

    [Fact]
    public void A_send_alone_would_outlast_a_stop_and_therefore_ends_with_the_work_in_hand() =>
        Assert.True(Deadlines.FinishInHand < Deadlines.HostStop && Deadlines.HostStop < Deadlines.Send);

    [Fact]
    public void Recovery_of_messages_after_a_crash() => AtMost(Deadlines.Recovery, Deadlines.Lease, s_poll);

    [Fact]
    public void Recovery_of_claimed_alerts_after_a_crash() => AtMost(Deadlines.Recovery, Deadlines.AlertClaim, Deadlines.AlertClaimsOfOthers);

    [Fact]
    public void Recovery_of_alerts_by_their_marker_after_a_crash() => AtMost(Deadlines.Recovery, Deadlines.AlertMarker, s_poll);

    [Fact]
    public void A_lease_outlives_two_renewals_that_fail()
    {
        Assert.True(Deadlines.RenewalsPerLease > 2);
        AtMost(Deadlines.Lease, Deadlines.Renewal, Deadlines.Renewal, Deadlines.Renewal);
    }

    [Fact]
    public void A_lease_that_was_just_renewed_outlives_a_message_in_a_child_process() =>
        AtMost(Deadlines.Lease, Deadlines.RenewalsEnd, Deadlines.IsolatedMessage, Deadlines.Testimony);

    [Fact]
    public void Alerts_are_sent_and_marked_within_their_claim()
    {
        Assert.True(Deadlines.AlertSending < Deadlines.AlertSend);
        AtMost(Deadlines.AlertClaim, Deadlines.AlertSend, 2 * s_sqliteLock);
    }

    [Fact]
    public void The_marker_of_unsent_alerts_is_renewed_while_their_dispatcher_lives()
    {
        Assert.True(Deadlines.AlertMarkerReserve < Deadlines.AlertMarker);
        Assert.True(Deadlines.AlertPause < Deadlines.AlertMarkerReserve);
        Assert.True(Deadlines.AlertClaimsOfOthers < Deadlines.AlertMarkerReserve);
    }

    [Fact]
    public void The_azure_client_tries_twice_at_least_in_a_send_and_begins_a_second_try_in_the_others()
    {
        Assert.True(Deadlines.AzureRetries > 0 && Deadlines.AzurePause <= Deadlines.AzureLongestPause);
        AtMost(Deadlines.Send, Deadlines.AzureTry, Deadlines.AzurePause, Deadlines.AzureTry);
        AtMost(Deadlines.FinishInHand, Deadlines.AzureTry, Deadlines.AzurePause);
        AtMost(Deadlines.AlertSend, Deadlines.AzureTry, Deadlines.AzurePause);
    }

    [Fact]
    public void Every_host_has_the_time_to_stop()
    {
        using var folder = new TemporaryFolder();
        using ServiceProvider services = new ServiceCollection().AddFinanceIngest(new Settings { DataDirectory = folder.Path }).BuildServiceProvider();

        Assert.Equal(Deadlines.HostStop, services.GetRequiredService<IOptions<HostOptions>>().Value.ShutdownTimeout);
    }

    private static void AtMost(TimeSpan limit, params TimeSpan[] times)
    {
        TimeSpan sum = times.Aggregate((one, other) => one + other);
        Assert.True(sum <= limit, $"{string.Join(" + ", times.Select(time => time.TotalSeconds))} = {sum.TotalSeconds} s, more than {limit.TotalSeconds} s.");
    }
}
