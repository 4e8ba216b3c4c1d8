using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Tests.Documentation;

/// <summary>The programs write every log line that docs/operations.md tells operators to look for.</summary>
public sealed partial class RunbookLogTests
{
    private static readonly string[] s_templates =
    [
        .. new[] { typeof(FinanceIngest.Http.BearerTokens).Assembly, typeof(FinanceIngest.KestrelHead.ListenAddresses).Assembly }
            .SelectMany(program => program.GetTypes())
            .SelectMany(type => type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
            .Select(method => method.GetCustomAttribute<LoggerMessageAttribute>()?.Message)
            .OfType<string>(),
    ];

    [Fact]
    public void Every_log_line_that_the_runbook_quotes_is_written_by_the_code()
    {
        string runbook = MarkdownPage.Read("docs/operations.md").Text;
        string[] quoted = [.. QuotedLine().Matches(runbook).Concat(Grep().Matches(runbook)).Select(match => match.Groups[1].Value).Distinct()];

        Assert.True(quoted.Length >= 4, string.Join("; ", quoted));
        Assert.All(quoted, line => Assert.Contains(s_templates, template => IsWritten(line, template)));
        Assert.DoesNotContain(s_templates, template => IsWritten("Scoring sleeps: …", template));
    }

    // In the runbook, "…" stands for any text.
    private static bool IsWritten(string line, string template)
    {
        string[] parts = line.Split('…', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return Regex.IsMatch(template, string.Join(".*", parts.Select(Regex.Escape)));
    }

    [GeneratedRegex(@"log line\s+`([^`]+)`")]
    private static partial Regex QuotedLine();

    [GeneratedRegex("grep '([^']+)'")]
    private static partial Regex Grep();
}
