namespace FinanceIngest.Preferences;

/// <summary>Why an anomaly leads to no alert.</summary>
internal enum AlertSuppression
{
    /// <summary>Its user wants fewer alerts, or none.</summary>
    Sensitivity,

    /// <summary>Alerts are put off until some instant.</summary>
    Snooze,

    /// <summary>The amount is below the one from which on alerts are wanted.</summary>
    MinimumAmount,

    /// <summary>The transaction is part of a history that was put in.</summary>
    History,
}
