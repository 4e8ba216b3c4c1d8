using FinanceIngest.Detection;
using FinanceIngest.Transactions;

namespace FinanceIngest.Preferences;

/// <summary>
/// Whether a transaction leads to an alert. Preferences decide this, and nothing else: whether a transaction is an anomaly is the detector's judgement at the
/// level <see cref="AlertLevel.Normal"/>. So <c>often</c> leads to alerts of transactions that are no anomalies.
/// </summary>
/// <param name="IsQueued">Whether there is an alert.</param>
/// <param name="SuppressedBy">Why an anomaly has none; null where it has one, and where there is no anomaly.</param>
internal readonly record struct AlertDecision(bool IsQueued, AlertSuppression? SuppressedBy)
{
    private static readonly AlertDecision s_nothing = new(false, null);

    /// <summary>Decides.</summary>
    /// <param name="transaction">The transaction.</param>
    /// <param name="isAnomaly">Whether the detector calls it an anomaly, which is its judgement at the level <see cref="AlertLevel.Normal"/>.</param>
    /// <param name="alertsFrom">The lowest level at which it is unusual enough for an alert; null: at none.</param>
    /// <param name="setting">The setting that holds (<see cref="SensitivityTable.Find"/>); null: as often as normal.</param>
    public static AlertDecision Of(Transaction transaction, bool isAnomaly, AlertLevel? alertsFrom, Sensitivity? setting)
    {
        if (transaction.IsHistory)
        {
            return Suppressed(isAnomaly, AlertSuppression.History);
        }

        AlertLevel level = setting?.Level ?? AlertLevel.Normal;
        bool isEnough = level == AlertLevel.Normal ? isAnomaly : level != AlertLevel.Never && alertsFrom <= level;
        if (!isEnough)
        {
            return Suppressed(isAnomaly, setting?.Until is null ? AlertSuppression.Sensitivity : AlertSuppression.Snooze);
        }

        return setting?.MinimumAmount is { } minimum && Math.Abs(transaction.Amount.Units) < minimum.Units
            ? Suppressed(isAnomaly, AlertSuppression.MinimumAmount)
            : new AlertDecision(true, null);
    }

    private static AlertDecision Suppressed(bool isAnomaly, AlertSuppression reason) => isAnomaly ? new AlertDecision(false, reason) : s_nothing;
}
