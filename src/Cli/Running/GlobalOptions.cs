using System.CommandLine;

namespace FinanceIngest.Cli.Running;

/// <summary>The options that every command has.</summary>
internal sealed class GlobalOptions
{
    /// <summary>Whether the answer is JSON.</summary>
    public Option<bool> Json { get; } = new("--json")
    {
        Description = "Write exactly one JSON value to standard output.",
        Recursive = true,
    };

    /// <summary>Overrides the data directory of the settings.</summary>
    public Option<string?> DataDirectory { get; } = new("--data-directory")
    {
        Description = "Folder of the embedded storage; overrides FinanceIngest__DataDirectory (default ./data).",
        HelpName = "DIR",
        Recursive = true,
    };
}
