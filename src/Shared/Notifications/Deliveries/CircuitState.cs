namespace FinanceIngest.Notifications.Deliveries;

/// <summary>Whether a channel is believed to work.</summary>
/// <param name="Failures">Failures of the channel itself since its last success.</param>
/// <param name="OpenUntil">Until when it is left alone (UTC); null: it is used.</param>
internal readonly record struct CircuitState(int Failures, DateTime? OpenUntil);
