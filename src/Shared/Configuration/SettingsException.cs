using FinanceIngest.Ground;

namespace FinanceIngest.Configuration;

/// <summary>A wrong or missing setting. The program prints <see cref="Exception.Message"/>, one line whatever the setting holds, and ends with exit code 2.</summary>
public sealed class SettingsException(string setting, string problem) : Exception(SafeText.Line($"{setting}: {problem}"))
{
    /// <summary>The setting's name as its user writes it, for example <c>FinanceIngest__Scoring__Threshold</c>.</summary>
    public string Setting { get; } = setting;
}
