using System.Runtime.InteropServices;
using FinanceIngest.Detection;

namespace FinanceIngest.Replay;

/// <summary>
/// Adds up how long users have been seen: each from the first row of his to the end of the period, in months of <see cref="ThresholdHistory.MonthDays"/> days,
/// as budgets of alerts count them. It keeps one time for each user.
/// </summary>
internal sealed class UserMonths
{
    private readonly Dictionary<long, DateTime> _first = [];
    private DateTime _last = DateTime.MinValue;

    /// <summary>Users seen.</summary>
    public int Users => _first.Count;

    /// <summary>Takes note of a row; rows may come in any order.</summary>
    public void Add(long userId, DateTime occurredAt)
    {
        ref DateTime first = ref CollectionsMarshal.GetValueRefOrAddDefault(_first, userId, out bool isKnown);
        first = isKnown && first <= occurredAt ? first : occurredAt;
        _last = occurredAt > _last ? occurredAt : _last;
    }

    /// <summary>Returns the months of all users, ≥ 0.</summary>
    /// <param name="end">The end of the period, UTC; null: the last row.</param>
    public double Until(DateTime? end)
    {
        DateTime last = end ?? _last;
        return _first.Values.Sum(first => Math.Max((last - first).TotalDays, 0)) / ThresholdHistory.MonthDays;
    }

    /// <summary>Returns how many a user has in a month; null: nobody was seen for any time.</summary>
    /// <param name="count">How many there are of all users together.</param>
    /// <param name="end">The end of the period, UTC; null: the last row.</param>
    public double? Rate(long count, DateTime? end) => Until(end) is > 0 and double months ? count / months : null;
}
