using FinanceIngest.Ground;
using FinanceIngest.Notifications.Deliveries;
using FinanceIngest.Transactions;

namespace FinanceIngest.Events;

/// <summary>
/// What was told to people since it was read last. It begins when somebody begins to follow. A process that finishes a delivery gives it a time before it
/// commits, so that each reading goes back a little, and leaves out what it had.
/// </summary>
internal sealed class DeliveryNews(IFinishedDeliveries deliveries, TimeProvider time)
{
    /// <summary>Deliveries that one reading returns at most; the next one goes on.</summary>
    public const int Most = 1000;

    // No commit takes longer than a statement may.
    private static readonly TimeSpan s_late = TimeSpan.FromSeconds(30);

    private readonly Dictionary<long, DateTime> _told = [];
    private DateTime? _begin;
    private DateTime _newest;
    private bool _isRefused;

    /// <summary>Reads what is new.</summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    public async Task<IReadOnlyList<DeliveryRecord>> ReadAsync(CancellationToken cancellationToken)
    {
        if (_isRefused)
        {
            return [];
        }

        if (_begin is null)
        {
            _begin = _newest = time.UtcNowMicroseconds();
            return [];
        }

        DateTime from = _newest - s_late > _begin ? _newest - s_late : _begin.Value;
        List<DeliveryRecord> fresh = [];
        (DateTime, long) after = (from, long.MinValue);
        while (fresh.Count < Most)
        {
            IReadOnlyList<DeliveryRecord> page;
            try
            {
                page = await deliveries.ReadFinishedAsync(after, Most, cancellationToken);
            }
            catch (StoreUnavailableException e) when (RefusedRights.IsOne(e))
            {
                // A process without the right has figures and anomalies to send, and no deliveries.
                _isRefused = true;
                return [];
            }

            // One that was sent again is told again.
            fresh.AddRange(page.Where(delivery => _told.GetValueOrDefault(delivery.Id) != delivery.FinishedAt));
            if (page.Count < Most)
            {
                break;
            }

            after = (page[^1].FinishedAt!.Value, page[^1].Id);
        }

        foreach (DeliveryRecord delivery in fresh)
        {
            _told[delivery.Id] = delivery.FinishedAt!.Value;
            _newest = delivery.FinishedAt.Value > _newest ? delivery.FinishedAt.Value : _newest;
        }

        foreach ((long id, _) in _told.Where(told => told.Value < _newest - s_late).ToList())
        {
            _told.Remove(id);
        }

        return fresh;
    }

    /// <summary>Nobody follows any more: what is finished from now on is nobody's news.</summary>
    public void Forget()
    {
        _begin = null;
        _told.Clear();
    }
}
