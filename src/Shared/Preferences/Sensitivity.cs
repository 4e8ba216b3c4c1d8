using FinanceIngest.Detection;
using FinanceIngest.Transactions;

namespace FinanceIngest.Preferences;

/// <summary>How often alerts are wanted of one user, one category, both, or everybody.</summary>
/// <param name="Key">Whom and what the setting is about.</param>
/// <param name="Level">How often.</param>
/// <param name="MinimumAmount">No alert below this amount, whatever its sign; ≥ 0; null: no such limit.</param>
/// <param name="Until">The setting holds until this instant, UTC: it is a snooze. Null: it holds until another replaces it.</param>
/// <param name="AcceptedAt">When the command was accepted that made the setting. UTC, whole microseconds.</param>
internal sealed record Sensitivity(SensitivityKey Key, AlertLevel Level, Money? MinimumAmount, DateTime? Until, DateTime AcceptedAt);
