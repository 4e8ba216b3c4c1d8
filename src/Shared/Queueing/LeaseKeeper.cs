using System.Collections.Concurrent;

namespace FinanceIngest.Queueing;

/// <summary>Renews the leases of messages in hand until it is disposed, and remembers which were lost.</summary>
public sealed class LeaseKeeper : IAsyncDisposable
{
    private readonly IReadOnlyList<LeasedMessage> _messages;
    private readonly TimeSpan _lease;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<string, bool> _lost = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _released = new(StringComparer.Ordinal);
    private readonly Task _run;
    private readonly Lock _gate = new();
    private Task _round = Task.CompletedTask;

    /// <param name="messages">The messages in hand.</param>
    /// <param name="lease">Their lease; renewed each time a third of it has passed.</param>
    /// <param name="time">Clock.</param>
    public LeaseKeeper(IReadOnlyList<LeasedMessage> messages, TimeSpan lease, TimeProvider time)
    {
        _messages = messages;
        _lease = lease;
        _time = time;
        _run = RunAsync();
    }

    /// <summary>Whether another worker may have the message by now.</summary>
    public bool IsLost(LeasedMessage message) => _lost.ContainsKey(message.Id);

    /// <summary>Renews a message no more and waits for a renewal under way, so that its receipt no longer changes.</summary>
    public Task ReleaseAsync(LeasedMessage message)
    {
        lock (_gate)
        {
            _released.TryAdd(message.Id, true);
            return _round;
        }
    }

    /// <summary>Stops renewing; after this no renewal is under way, so receipts no longer change.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _run;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            using var timer = new PeriodicTimer(_lease / 3, _time);
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                Task round;
                lock (_gate)
                {
                    round = _round = Task.WhenAll(_messages.Where(message => !IsLost(message) && !_released.ContainsKey(message.Id)).Select(RenewAsync));
                }

                await round;
            }
        }
        catch (OperationCanceledException)
        {
            // Disposed.
        }
    }

    private async Task RenewAsync(LeasedMessage message)
    {
        try
        {
            // Not cancelled by the stop: a renewal cut off half-way leaves the receipt unknown.
            if (!await message.TryExtendAsync(_lease, CancellationToken.None))
            {
                _lost.TryAdd(message.Id, true);
            }
        }
        catch (Exception)
        {
            // Two more tries fit into the lease. Whatever it was, it must not end the renewal of the other messages.
        }
    }
}
