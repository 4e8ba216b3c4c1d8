namespace FinanceIngest.Alerts;

/// <summary>An alert to send.</summary>
/// <param name="AlertId">The same however often the alert is made.</param>
/// <param name="TransactionId">The anomaly.</param>
/// <param name="Payload">JSON of the alert message.</param>
/// <param name="TraceParent">The W3C trace context that the alert continues; null where there is none.</param>
/// <param name="CreatedAt">When the anomaly was scored.</param>
internal sealed record NewAlert(Guid AlertId, Guid TransactionId, string Payload, string? TraceParent, DateTime CreatedAt);
