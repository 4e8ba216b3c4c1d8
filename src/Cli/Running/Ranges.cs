using System.CommandLine;
using System.Globalization;

namespace FinanceIngest.Cli.Running;

/// <summary>Options that take a whole number.</summary>
internal static class Ranges
{
    /// <summary>An option that takes a number from a range, or is left out.</summary>
    public static Option<long?> Optional(string name, string description, long minimum, long maximum)
    {
        var option = new Option<long?>(name) { Description = description, HelpName = "N" };
        option.Validators.Add(result =>
        {
            // The validator reads the text itself, because GetValue would throw for text that is no number.
            if (result.Tokens.Count == 1
                && (!long.TryParse(result.Tokens[0].Value, NumberStyles.None, CultureInfo.InvariantCulture, out long value)
                    || value < minimum || value > maximum))
            {
                result.AddError(string.Create(CultureInfo.InvariantCulture, $"{name} must be from {minimum} to {maximum}."));
            }
        });
        return option;
    }
}
