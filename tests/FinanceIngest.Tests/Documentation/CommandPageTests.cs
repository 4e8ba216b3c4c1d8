using System.Text.RegularExpressions;
using FinanceIngest.Tests.Cli;

namespace FinanceIngest.Tests.Documentation;

/// <summary>Compares docs/cli.md with the program's help.</summary>
public sealed partial class CommandPageTests
{
    [Fact]
    public async Task Every_command_and_every_option_is_on_the_page_and_no_other_option_is()
    {
        using var cli = new CliHarness();
        (List<string> commands, HashSet<string> options) = await ReadHelpAsync(cli, []);
        MarkdownPage page = MarkdownPage.Read("docs/cli.md");
        string[] headings = [.. page.Text.Split('\n').Where(line => line.StartsWith("## ", StringComparison.Ordinal))];

        Assert.True(commands.Count > 10, string.Join(", ", commands));
        Assert.All(commands, command => Assert.Contains(headings, heading => IsNamed(command, heading)));

        // The page also names these options, which belong to dotnet or to every command.
        string[] foreign = ["--help", "--version", "--project", "--global", "--add-source"];
        string[] stated = [.. Option().Matches(page.Text).Select(match => match.Value).Distinct()];
        Assert.Empty(stated.Except(options).Except(foreign));
        Assert.Empty(options.Except(stated).Except(foreign));
    }

    // The command "poison redrive" is found in the heading "`poison list`, `show ID`, `redrive [ID…]`".
    private static bool IsNamed(string command, string heading)
    {
        string[] words = command.Split(' ');
        return Regex.IsMatch(heading, $@"`{words[0]}\b") && Regex.IsMatch(heading, $@"[` ]{words[^1]}\b");
    }

    private static async Task<(List<string> Commands, HashSet<string> Options)> ReadHelpAsync(CliHarness cli, string[] command)
    {
        CliResult help = await cli.RunAsync([.. command, "--help"]);
        HashSet<string> options = [.. Option().Matches(Part(help.Output, "Options:")).Select(match => match.Value)];
        string[] children = [.. Child().Matches(Part(help.Output, "Commands:")).Select(match => match.Groups[1].Value)];
        List<string> commands = children.Length == 0 && command.Length > 0 ? [string.Join(' ', command)] : [];
        foreach (string child in children)
        {
            (List<string> below, HashSet<string> theirs) = await ReadHelpAsync(cli, [.. command, child]);
            commands.AddRange(below);
            options.UnionWith(theirs);
        }

        return (commands, options);
    }

    private static string Part(string help, string head)
    {
        int start = help.IndexOf(head, StringComparison.Ordinal);
        int end = start < 0 ? -1 : help.IndexOf("\n\n", start, StringComparison.Ordinal);
        return start < 0 ? "" : help[start..(end < 0 ? help.Length : end)];
    }

    [GeneratedRegex(@"(?<![\w-])--[a-z][a-z-]*")]
    private static partial Regex Option();

    [GeneratedRegex(@"^  ([a-z]+)\b", RegexOptions.Multiline)]
    private static partial Regex Child();
}
