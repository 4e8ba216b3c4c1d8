using System.Globalization;
using System.Text.Json;

namespace FinanceIngest.Cli.Detecting;

/// <summary>Shows numbers that there may not be.</summary>
internal static class RateText
{
    /// <summary>Alerts of a user in a month; <c>unknown</c>: no user was seen for any time.</summary>
    public static string Of(double? rate) => rate?.ToString("0.000", CultureInfo.InvariantCulture) ?? "unknown";

    /// <summary>Writes a number, or null.</summary>
    public static void Write(Utf8JsonWriter json, string name, double? number)
    {
        if (number is { } value && double.IsFinite(value))
        {
            json.WriteNumber(name, value);
        }
        else
        {
            json.WriteNull(name);
        }
    }
}
