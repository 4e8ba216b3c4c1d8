namespace FinanceIngest.Configuration;

/// <summary>
/// Every time that must add up with others so that a process stops within <see cref="Stop"/> and its work is taken up again within <see cref="Recovery"/> after
/// a crash. <c>DeadlinesTests</c> adds them up, path by path. Times that nothing else rests on (polling, back-off, limits of slow clients) stand where they are
/// used.
/// </summary>
internal static class Deadlines
{
    /// <summary>
    /// From SIGTERM to the end of the process (guarantee 7 in docs/reliability.md). Orchestrators must grant more: Docker's own 10 s is too short.
    /// </summary>
    public static readonly TimeSpan Stop = TimeSpan.FromSeconds(25);

    /// <summary>
    /// From SIGTERM until the host waits for its services no longer: connections that are still open are cut, and what runs in the background is left alone.
    /// Less than <see cref="Stop"/>, because queues and stores are closed after it.
    /// </summary>
    public static readonly TimeSpan HostStop = TimeSpan.FromSeconds(24);

    /// <summary>
    /// From SIGTERM until work in hand is abandoned: batches that are being scored, and transactions that are not durable on the inbound queue, whose requests
    /// are answered 503. This time plus all that follows (<see cref="SettleAfterAbandon"/>, <see cref="RenewalsEnd"/>, <see cref="GiveBack"/>, writing answers)
    /// must be less than <see cref="HostStop"/>.
    /// </summary>
    public static readonly TimeSpan FinishInHand = TimeSpan.FromSeconds(14);

    /// <summary>
    /// From the abandonment until deletes of committed messages are cut off. A message whose delete is cut off comes again and finds its rows.
    /// </summary>
    public static readonly TimeSpan SettleAfterAbandon = TimeSpan.FromSeconds(4);

    /// <summary>How long the end of a batch waits for lease renewals that are under way. Follows the settling.</summary>
    public static readonly TimeSpan RenewalsEnd = TimeSpan.FromSeconds(2);

    /// <summary>
    /// How long giving messages back may take, so that another worker sees them at once. It follows the last renewal; a message that could not be given back
    /// returns after <see cref="Lease"/>.
    /// </summary>
    public static readonly TimeSpan GiveBack = TimeSpan.FromSeconds(3);

    /// <summary>From a crash until another process has the work that was in hand (guarantee 7 in docs/reliability.md).</summary>
    public static readonly TimeSpan Recovery = TimeSpan.FromSeconds(30);

    /// <summary>Lease of a received message. It leaves 5 s of <see cref="Recovery"/> for the next poll of another worker, 2 s by default.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(25);

    /// <summary>Renewals that fit into a lease one after the other: it outlives two that fail.</summary>
    public const int RenewalsPerLease = 3;

    /// <summary>From one renewal of a lease to the next; a renewal is cut off after as long.</summary>
    public static readonly TimeSpan Renewal = Lease / RenewalsPerLease;

    /// <summary>
    /// Time limit for starting a child process, and again for each message in it. Together with <see cref="Testimony"/> and one renewal it must be less than
    /// <see cref="Lease"/>.
    /// </summary>
    public static readonly TimeSpan IsolatedMessage = TimeSpan.FromSeconds(20);

    /// <summary>
    /// How long a worker must outlive its child before the child's end counts against a message: whatever ends all processes of a machine or a container does
    /// not end them in one instant.
    /// </summary>
    public static readonly TimeSpan Testimony = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Time limit for sending one message to the inbound queue, the client's retries included; after it, the message's requests get 503.
    /// Longer than <see cref="Stop"/>: while the process stops, <see cref="FinishInHand"/> holds instead.
    /// </summary>
    public static readonly TimeSpan Send = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Time limit for one try of an operation on an Azure queue. Less than <see cref="FinishInHand"/> and <see cref="AlertSend"/> by one pause, so that a lost
    /// answer is asked for again.
    /// </summary>
    public static readonly TimeSpan AzureTry = TimeSpan.FromSeconds(10);

    /// <summary>The first pause between two tries of the Azure client, which doubles it.</summary>
    public static readonly TimeSpan AzurePause = TimeSpan.FromMilliseconds(400);

    /// <summary>The longest pause between two tries of the Azure client.</summary>
    public static readonly TimeSpan AzureLongestPause = TimeSpan.FromSeconds(4);

    /// <summary>Tries of the Azure client after the first one.</summary>
    public const int AzureRetries = 3;

    /// <summary>
    /// How many seconds SQLite waits for another process's lock on a file. A write that waits is not cut off by anything, so the time stands in the
    /// sums of the stop: after <see cref="FinishInHand"/>, and between <see cref="AlertSend"/> and <see cref="AlertClaim"/>.
    /// </summary>
    public const int SqliteLockSeconds = 5;

    /// <summary>
    /// How long alerts of the outbox belong to the dispatcher that claimed them. Less than <see cref="Recovery"/> by <see cref="AlertClaimsOfOthers"/>, so that
    /// another dispatcher has them in time.
    /// </summary>
    public static readonly TimeSpan AlertClaim = TimeSpan.FromSeconds(25);

    /// <summary>From the claim until no further alert of it is sent. Less than <see cref="AlertSend"/>.</summary>
    public static readonly TimeSpan AlertSending = TimeSpan.FromSeconds(8);

    /// <summary>
    /// From the claim until sends under way are cut off. What remains of <see cref="AlertClaim"/>, and of <see cref="HostStop"/> when the claim was made just
    /// before a stop, is for a database that is slow to take the mark. An alert that was sent and not marked is sent again.
    /// </summary>
    public static readonly TimeSpan AlertSend = TimeSpan.FromSeconds(15);

    /// <summary>From one look for alerts that another dispatcher has claimed to the next: should it be gone, its claims end.</summary>
    public static readonly TimeSpan AlertClaimsOfOthers = TimeSpan.FromSeconds(5);

    /// <summary>
    /// The longest pause of a dispatcher after failures. Less than <see cref="AlertMarkerReserve"/>, so that the marker of unsent alerts does not become
    /// visible while their dispatcher lives.
    /// </summary>
    public static readonly TimeSpan AlertPause = TimeSpan.FromSeconds(10);

    /// <summary>How long the marker of unsent alerts stays invisible. It leaves 5 s of <see cref="Recovery"/> for the next poll of another worker.</summary>
    public static readonly TimeSpan AlertMarker = TimeSpan.FromSeconds(25);

    /// <summary>A marker with less than this left of <see cref="AlertMarker"/> is renewed when it is asked for.</summary>
    public static readonly TimeSpan AlertMarkerReserve = TimeSpan.FromSeconds(15);

    /// <summary>
    /// How long a channel of the notifier belongs to the process that claimed it. Less than <see cref="Recovery"/> by
    /// <see cref="ChannelClaimOfOther"/>, so that another process has the channel in time.
    /// </summary>
    public static readonly TimeSpan ChannelClaim = TimeSpan.FromSeconds(25);

    /// <summary>From one look for a channel that another process has claimed to the next: should that process be gone, its claim ends.</summary>
    public static readonly TimeSpan ChannelClaimOfOther = TimeSpan.FromSeconds(5);

    /// <summary>
    /// From the claim of a channel until no further message is sent under it. With <see cref="NotifySend"/> less than <see cref="ChannelClaim"/>.
    /// </summary>
    public static readonly TimeSpan NotifySending = TimeSpan.FromSeconds(8);

    /// <summary>
    /// Time limit of one attempt at a message, the connection included. A stop waits for attempts in hand and for their settling, so that it must be less than
    /// <see cref="HostStop"/> by a database's lock.
    /// </summary>
    public static readonly TimeSpan NotifySend = TimeSpan.FromSeconds(10);
}
