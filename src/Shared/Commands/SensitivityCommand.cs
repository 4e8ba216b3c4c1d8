using FinanceIngest.Detection;
using FinanceIngest.Transactions;

namespace FinanceIngest.Commands;

/// <summary>How often alerts are wanted: of a user in a category, of a user, in a category, or of everybody.</summary>
/// <param name="Id">The command's own id.</param>
/// <param name="AcceptedAt">When the intake accepted it. UTC, whole microseconds.</param>
/// <param name="UserId">1 … 2^63−1; null: all users.</param>
/// <param name="CategoryId">1 … 2^63−1; null: all categories.</param>
/// <param name="Level">How often; null: the setting is removed.</param>
/// <param name="MinimumAmount">No alert below this amount, whatever its sign; ≥ 0; null: no such limit.</param>
/// <param name="Until">No alert before this instant; UTC, whole microseconds; null: no snooze.</param>
internal sealed record SensitivityCommand(
    Guid Id, DateTime AcceptedAt, long? UserId, long? CategoryId, AlertLevel? Level, Money? MinimumAmount, DateTime? Until) : Command(Id, AcceptedAt);
