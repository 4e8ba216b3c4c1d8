using System.CommandLine;

namespace FinanceIngest.Cli.Running;

/// <summary>Options of every command.</summary>
internal sealed class GlobalOptions
{
    /// <summary>For programs instead of people.</summary>
    public Option<bool> Json { get; } = new("--json")
    {
        Description = "Write one JSON value to standard output and nothing else.",
        Recursive = true,
    };

    /// <summary>Beats the setting.</summary>
    public Option<string?> DataDirectory { get; } = new("--data-directory")
    {
        Description = "Where embedded storage lives; overrides FinanceIngest__DataDirectory (default ./data).",
        HelpName = "DIR",
        Recursive = true,
    };
}
