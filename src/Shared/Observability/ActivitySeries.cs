namespace FinanceIngest.Observability;

/// <summary>What a process did over a while, in slots of equal length.</summary>
/// <param name="From">When the first slot began (UTC).</param>
/// <param name="StepSeconds">The length of a slot; the last one has just begun.</param>
/// <param name="Points">The slots, oldest first; null: nothing was done, and nobody asked the queue.</param>
internal sealed record ActivitySeries(DateTime From, int StepSeconds, IReadOnlyList<ActivityPoint?> Points);

/// <summary>The figures of a slot.</summary>
/// <param name="Accepted">Transactions that became durable on the inbound queue.</param>
/// <param name="Refused">Transactions whose send failed.</param>
/// <param name="Scored">Rows that became scored.</param>
/// <param name="Failed">Transactions given up as failed.</param>
/// <param name="Anomalies">New alerts in the outbox.</param>
/// <param name="MedianSeconds">The median of the time from acceptance to commit, in seconds; null: nothing was scored.</param>
/// <param name="P95Seconds">The 95th percentile of that time.</param>
/// <param name="Waiting">Transactions that waited when the queue was last asked in the slot; null: it was not asked.</param>
/// <param name="OldestSeconds">The greatest age of the oldest message, in seconds.</param>
internal readonly record struct ActivityPoint(
    long Accepted, long Refused, long Scored, long Failed, long Anomalies, double? MedianSeconds, double? P95Seconds, long? Waiting, double? OldestSeconds);
