using FinanceIngest.Ground;

namespace FinanceIngest.Configuration;

/// <summary>
/// A setting is wrong or missing. The program prints <see cref="Exception.Message"/>, which is always one line, and ends with exit code 2.
/// </summary>
public sealed class SettingsException(string setting, string problem) : Exception(SafeText.Line($"{setting}: {problem}"))
{
    /// <summary>The setting's name as an environment variable, for example <c>FinanceIngest__Scoring__Threshold</c>.</summary>
    public string Setting { get; } = setting;
}
