namespace FinanceIngest.Alerts;

/// <summary>An alert that goes into the outbox together with its anomaly's row.</summary>
/// <param name="AlertId">Identifies the alert. It derives from the transaction, so that scoring a transaction again makes the same alert.</param>
/// <param name="TransactionId">The transaction that is an anomaly.</param>
/// <param name="Payload">The alert message, as JSON.</param>
/// <param name="TraceParent">The W3C trace context that the alert continues; null if there is none.</param>
/// <param name="CreatedAt">When the anomaly was scored, in UTC.</param>
internal sealed record NewAlert(Guid AlertId, Guid TransactionId, string Payload, string? TraceParent, DateTime CreatedAt);
