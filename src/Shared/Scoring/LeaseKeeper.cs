using FinanceIngest.Configuration;
using FinanceIngest.Observability;
using FinanceIngest.Queueing;

namespace FinanceIngest.Scoring;

/// <summary>
/// Renews the leases of messages in hand until it is disposed, and knows until when each message is held: for one lease from the moment at which the last
/// successful call, the receive or a renewal, was begun. The clock is monotonic: the time of day may jump, and a process that was frozen finds its leases over.
/// </summary>
/// <remarks>
/// A renewal that fails or is not answered in time is tried again, twice within the lease. The first try may have reached the queue: then the receipt in hand
/// is void, the next call says so, and the message comes again when the unacknowledged lease ends; until then no other worker has it.
/// </remarks>
internal sealed class LeaseKeeper : ILeaseHolder, IAsyncDisposable
{
    private readonly Dictionary<LeasedMessage, Holding> _holdings;
    private readonly TimeSpan _lease;
    private readonly Telemetry _telemetry;
    private readonly TimeProvider _time;
    private readonly PeriodicTimer _due;
    private readonly CancellationTokenSource _abort = new();
    private readonly Lock _gate = new();
    private readonly Task _run;

    /// <param name="messages">The messages in hand.</param>
    /// <param name="askedAt">Timestamp of <paramref name="time"/> from before the queue was asked for the messages.</param>
    /// <param name="lease">Their lease; renewed <see cref="Deadlines.RenewalsPerLease"/> times in its length.</param>
    /// <param name="telemetry">Counts lost leases.</param>
    /// <param name="time">Clock.</param>
    public LeaseKeeper(IReadOnlyList<LeasedMessage> messages, long askedAt, TimeSpan lease, Telemetry telemetry, TimeProvider time)
    {
        _lease = lease;
        _telemetry = telemetry;
        _time = time;
        _due = new PeriodicTimer(lease / Deadlines.RenewalsPerLease, time);
        _holdings = messages.ToDictionary(message => message, _ => new Holding { Until = UntilOf(askedAt) });
        _run = RunAsync();
    }

    /// <inheritdoc/>
    public bool IsHeld(LeasedMessage message) => _holdings[message] is var holding && !holding.IsLost && _time.GetTimestamp() < holding.Until;

    /// <summary>Timestamp until which the message is held unless a renewal moves it.</summary>
    public long HeldUntil(LeasedMessage message) => _holdings[message].Until;

    /// <inheritdoc/>
    public void Lose(LeasedMessage message, string stage)
    {
        if (_holdings[message].TryLose())
        {
            _telemetry.LeaseLost(stage);
        }
    }

    /// <summary>Stops renewing a message and waits for a renewal that is under way, so that the message's receipt no longer changes.</summary>
    public Task ReleaseAsync(LeasedMessage message)
    {
        Holding holding = _holdings[message];
        lock (_gate)
        {
            holding.IsReleased = true;
            return holding.Renewal;
        }
    }

    /// <summary>Renews a message now instead of when it is due, for work that needs a whole lease.</summary>
    public async Task RenewAsync(LeasedMessage message)
    {
        Holding holding = _holdings[message];
        await holding.Renewal;
        Task renewal;
        lock (_gate)
        {
            renewal = Renew(message, holding);
        }

        await renewal;
    }

    /// <summary>
    /// Stops renewing; after this no renewal is under way, so receipts no longer change. One that hangs is given up after <see cref="Deadlines.RenewalsEnd"/>.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        // The wait for the next renewal then ends without an exception, which every batch would pay for.
        _due.Dispose();
        await _run;
        await using (_time.CreateTimer(_ => _abort.Cancel(), null, Deadlines.RenewalsEnd, Timeout.InfiniteTimeSpan))
        {
            await Task.WhenAll(_holdings.Values.Select(holding => holding.Renewal));
        }

        _abort.Dispose();
    }

    private async Task RunAsync()
    {
        while (await _due.WaitForNextTickAsync())
        {
            lock (_gate)
            {
                // A renewal that hangs delays no other message's renewal.
                foreach ((LeasedMessage message, Holding holding) in _holdings)
                {
                    Renew(message, holding);
                }
            }
        }
    }

    // The caller holds the gate. A receipt is good for one call at a time.
    private Task Renew(LeasedMessage message, Holding holding) =>
        holding.IsReleased || holding.IsLost || !holding.Renewal.IsCompleted ? holding.Renewal : holding.Renewal = TryRenewAsync(message, holding);

    private async Task TryRenewAsync(LeasedMessage message, Holding holding)
    {
        long askedAt = _time.GetTimestamp();
        try
        {
            // The stop does not cut the call off, which would leave the receipt unknown.
            using var limit = new CancellationTokenSource(_lease / Deadlines.RenewalsPerLease, _time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _abort.Token);
            if (await message.TryExtendAsync(_lease, either.Token))
            {
                holding.Until = UntilOf(askedAt);
            }
            else
            {
                Lose(message, "renew");
            }
        }
        catch (Exception)
        {
            // Two more tries fit into the lease. No failure may end the renewal of the other messages.
        }
    }

    private long UntilOf(long askedAt) => askedAt + (long)(_lease.TotalSeconds * _time.TimestampFrequency);

    private sealed class Holding
    {
        private long _until;
        private int _isLost;

        public long Until
        {
            get => Interlocked.Read(ref _until);
            set => Interlocked.Exchange(ref _until, value);
        }

        // The loss is for good: a message that was dropped is not taken up again when a renewal that was under way succeeds.
        public bool IsLost => Volatile.Read(ref _isLost) == 1;

        public bool IsReleased { get; set; }

        public Task Renewal { get; set; } = Task.CompletedTask;

        public bool TryLose() => Interlocked.Exchange(ref _isLost, 1) == 0;
    }
}
