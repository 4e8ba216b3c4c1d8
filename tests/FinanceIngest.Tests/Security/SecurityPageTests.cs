using System.Reflection;
using System.Text.RegularExpressions;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Security;

/// <summary>Compares docs/security.md with the tests: every threat has a test, and every test that the page names exists.</summary>
public sealed partial class SecurityPageTests
{
    private static readonly string s_page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "security.md"));

    [Fact]
    public void Every_threat_has_a_test_and_every_test_named_exists()
    {
        ILookup<string, Type> types = Assembly.GetExecutingAssembly().GetTypes().ToLookup(type => type.Name);
        string[] rows =
        [
            .. Section("## Threats").Split('\n')
                .Where(line => line.StartsWith("| ", StringComparison.Ordinal) && !line.StartsWith("| threat ", StringComparison.Ordinal)),
        ];
        Assert.True(rows.Length >= 30, $"{rows.Length} threats");
        foreach (string row in rows)
        {
            string[] cells = row.Split(" | ");
            Assert.True(cells.Length == 3, $"not three cells: {row}");
            MatchCollection tests = TestName().Matches(cells[2]);
            Assert.True(tests.Count > 0, $"no test: {row}");
            Assert.All(tests, test => Assert.True(
                types[test.Groups["class"].Value].Any(type => IsTest(type, test.Groups["method"].Value)), $"there is no test {test.Value}"));
        }
    }

    [Fact]
    public void Every_threat_of_the_brief_is_on_it_and_so_is_what_is_accepted()
    {
        string threats = Section("## Threats");
        foreach (string word in new[]
        {
            "forged id", "replay", "queue poisoning", "log injection", "rotation", "secrets in logs", "SQL injection", "decompression",
            "JSON bomb", "unpickling", "timing", "DNS rebinding", "CSRF", "slowloris", "formula", "SSRF", "enumeration", "tombstone",
            "supply chain", "container",
        })
        {
            Assert.Contains(word, threats, StringComparison.OrdinalIgnoreCase);
        }

        Assert.Contains("- ", Section("## Accepted risks"), StringComparison.Ordinal);
        Assert.Contains("```mermaid", s_page, StringComparison.Ordinal);
    }

    private static bool IsTest(Type type, string method) =>
        type.GetMethod(method, BindingFlags.Instance | BindingFlags.Public)?.GetCustomAttributes<FactAttribute>(inherit: true).Any() == true;

    private static string Section(string heading)
    {
        int start = s_page.IndexOf($"{heading}\n", StringComparison.Ordinal);
        Assert.True(start >= 0, heading);
        int end = s_page.IndexOf("\n## ", start + 1, StringComparison.Ordinal);
        return s_page[start..(end < 0 ? s_page.Length : end)];
    }

    [GeneratedRegex(@"`(?<class>\w+)\.(?<method>\w+)`")]
    private static partial Regex TestName();
}
