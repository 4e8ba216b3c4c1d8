using System.CommandLine;
using System.CommandLine.Parsing;
using FinanceIngest.Transactions;

namespace FinanceIngest.Cli.Running;

/// <summary>Options that take an instant.</summary>
internal static class Instants
{
    /// <summary>An option that takes an instant in RFC 3339, or a date, which means midnight UTC, or is left out.</summary>
    public static Option<DateTime?> Optional(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "TIME",
        CustomParser = argument => Parse(name, argument),
    };

    private static DateTime? Parse(string name, ArgumentResult argument)
    {
        string text = argument.Tokens[0].Value;
        if (Timestamp.TryParseRfc3339(text, out DateTime instant) || Timestamp.TryParseRfc3339($"{text}T00:00:00Z", out instant))
        {
            return instant;
        }

        argument.AddError($"{name} must be a date, or a date and time with offset, such as 2026-01-31T12:00:00Z.");
        return null;
    }
}
