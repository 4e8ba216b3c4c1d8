using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Deployment;

/// <summary>The files that the repository offers to newcomers: pages, issue forms, a development container, and checks that run by themselves.</summary>
public sealed partial class RepositoryFilesTests
{
    public static TheoryData<string> Pages =>
        [.. Directory.EnumerateFiles(Repository.Root, "*.md")
            .Concat(new[] { "bench", "clients", "docs", "examples", "src", "tests" }
                .SelectMany(folder => Directory.EnumerateFiles(PathOf(folder), "*.md", SearchOption.AllDirectories)))
            .Select(path => Path.GetRelativePath(Repository.Root, path))
            .Where(path => !path.Split(Path.DirectorySeparatorChar).Any(part => part is "node_modules" or "bin" or "obj"))];

    public static TheoryData<string> IssueForms => ["bug", "feature", "question"];

    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_link_within_the_repository_leads_to_a_file_and_a_heading(string page)
    {
        foreach (Match link in RelativeLink().Matches(File.ReadAllText(PathOf(page))))
        {
            string path = link.Groups["path"].Value;
            string target = path.Length == 0 ? PathOf(page) : Path.Combine(Path.GetDirectoryName(PathOf(page))!, path);
            Assert.True(Path.Exists(target), $"{page} links to {path}, which does not exist.");
            if (link.Groups["heading"].Success && target.EndsWith(".md", StringComparison.Ordinal))
            {
                string heading = link.Groups["heading"].Value;
                Assert.True(Headings(target).Contains(heading), $"{page} links to the heading #{heading} of {Path.GetFileName(target)}, which does not exist.");
            }
        }
    }

    // GitHub hides a form that breaks one of these rules:
    // https://docs.github.com/communities/using-templates-to-encourage-useful-issues-and-pull-requests/syntax-for-issue-forms
    [Theory]
    [MemberData(nameof(IssueForms))]
    public void An_issue_form_is_one_that_GitHub_shows(string name)
    {
        object form = Assert.Single(Yaml.Documents($".github/ISSUE_TEMPLATE/{name}.yml"));
        AssertKeys(form, ["name", "description", "body"], ["labels"]);
        object[] elements = [.. form.List("body")];
        Assert.All(elements, AssertFormElement);
        object[] fields = [.. elements.Where(element => element.Text("type") != "markdown")];
        Assert.NotEmpty(fields);
        Assert.Distinct(fields.Select(field => field.Text("id")));
        Assert.Distinct(fields.Select(field => field.Text("attributes/label")));
    }

    [Fact]
    public void The_development_container_has_what_CI_has_and_forwards_the_ports_of_the_programs()
    {
        JsonElement container = Json(".devcontainer/devcontainer.json");
        string[] sdk = Json("global.json").GetProperty("sdk").GetProperty("version").GetString()!.Split('.');
        string node = FeatureVersion(container, "node");
        string python = FeatureVersion(container, "python");
        Assert.StartsWith($"mcr.microsoft.com/dotnet/sdk:{sdk[0]}.{sdk[1]}-", container.GetProperty("image").GetString(), StringComparison.Ordinal);
        Assert.Contains($"node-version: {node}\n", Text(".github/workflows/ci.yml"), StringComparison.Ordinal);
        Assert.Contains($"with .NET SDK {sdk[0]}, Node {node} and Python {python}.", Text(".ci/run"), StringComparison.Ordinal);

        string[] ports = [.. container.GetProperty("forwardPorts").EnumerateArray().Select(port => port.ToString())];
        Assert.Equal(ports, container.GetProperty("portsAttributes").EnumerateObject().Select(port => port.Name));
        Assert.All(container.GetProperty("portsAttributes").EnumerateObject(), port =>
        {
            string program = port.Value.GetProperty("label").GetString()!.Split(':')[0];
            Assert.Contains($"defaultPort: {port.Name}", Text($"src/{program}/Program.cs"), StringComparison.Ordinal);
        });
    }

    [Fact]
    [Needs(Outside.Program)]
    public async Task Each_step_of_CI_can_be_named_and_a_name_that_is_none_is_refused()
    {
        IEnumerable<string> steps = Directory.EnumerateFiles(PathOf(".ci/steps"), "*.sh").Select(path => Path.GetFileNameWithoutExtension(path)!);

        (int listed, string list, _) = await RunAsync("--list");
        Assert.Equal(0, listed);
        string[] lines = list.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(steps.Order(StringComparer.Ordinal), lines.Select(line => line.Split(' ')[0]).Order(StringComparer.Ordinal));
        Assert.All(lines, line => Assert.Matches(@"^[a-z-]+ +\w", line));

        (int refused, string output, string error) = await RunAsync("nonsense");
        Assert.Equal((2, ""), (refused, output));
        Assert.Contains("no step 'nonsense'", error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_steps_that_CONTRIBUTING_names_exist() =>
        Assert.All(
            Named().Matches(Text("CONTRIBUTING.md")).SelectMany(match => match.Groups[1].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries)),
            step => Assert.True(File.Exists(PathOf($".ci/steps/{step}.sh")), $"There is no step '{step}'."));

    private static void AssertFormElement(object element)
    {
        string type = element.Text("type")!;
        if (type == "markdown")
        {
            AssertKeys(element, ["type", "attributes"], []);
            AssertKeys(element.At("attributes")!, ["value"], []);
            return;
        }

        AssertKeys(element, ["type", "id", "attributes"], ["validations"]);
        Assert.Matches("^[A-Za-z0-9_-]+$", element.Text("id"));
        (string[] required, string[] optional) = type switch
        {
            "input" => (new[] { "label" }, new[] { "description", "placeholder", "value" }),
            "textarea" => (["label"], ["description", "placeholder", "value", "render"]),
            "dropdown" => (["label", "options"], ["description", "multiple", "default"]),
            "checkboxes" => (["label", "options"], ["description"]),
            _ => throw new InvalidOperationException($"GitHub has no element of the type '{type}'."),
        };
        object attributes = element.At("attributes")!;
        AssertKeys(attributes, required, optional);
        Assert.All(((IDictionary<object, object>?)element.At("validations"))?.Keys ?? [], key => Assert.Equal("required", key));
        if (type is "dropdown" or "checkboxes")
        {
            string?[] options = [.. attributes.List("options").Select(option => type == "dropdown" ? (string)option : option.Text("label"))];
            Assert.NotEmpty(options);
            Assert.Distinct(options);
            Assert.DoesNotContain(options, option => string.Equals(option, "None", StringComparison.OrdinalIgnoreCase));
        }
    }

    private static void AssertKeys(object map, string[] required, string[] optional)
    {
        string[] keys = [.. ((IDictionary<object, object>)map).Keys.Cast<string>()];
        Assert.Superset(required.ToHashSet(), keys.ToHashSet());
        Assert.Subset(required.Concat(optional).ToHashSet(), keys.ToHashSet());
    }

    private static string FeatureVersion(JsonElement container, string name) => container.GetProperty("features").EnumerateObject()
        .Single(feature => feature.Name.Contains($"/{name}:", StringComparison.Ordinal)).Value.GetProperty("version").GetString()!;

    private static async Task<(int ExitCode, string Output, string Error)> RunAsync(string argument)
    {
        NeedsAttribute.Require(Outside.Program);
        var start = new ProcessStartInfo("bash", [PathOf(".ci/run"), argument]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process run = Process.Start(start)!;
        Task<string> error = run.StandardError.ReadToEndAsync();
        string output = await run.StandardOutput.ReadToEndAsync();
        await run.WaitForExitAsync();
        return (run.ExitCode, output, await error);
    }

    // GitHub's anchors are in lower case, without punctuation, with hyphens for spaces.
    private static IEnumerable<string> Headings(string page) =>
        Heading().Matches(CodeBlock().Replace(File.ReadAllText(page), "")).Select(heading =>
            NotInAnchor().Replace(LinkText().Replace(heading.Groups[1].Value, "$1").Trim().ToLowerInvariant(), "").Replace(' ', '-'));

    private static JsonElement Json(string path) => JsonDocument.Parse(Text(path)).RootElement;

    private static string Text(string path) => File.ReadAllText(PathOf(path));

    private static string PathOf(string path) => Path.Combine(Repository.Root, path);

    [GeneratedRegex(@"\]\((?!\w+:)(?<path>[^)#\s]*)(#(?<heading>[^)\s]+))?\)")]
    private static partial Regex RelativeLink();

    [GeneratedRegex(@"^#+ (.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"^```.*?^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex CodeBlock();

    [GeneratedRegex(@"\[([^\]]*)\]\([^)]*\)")]
    private static partial Regex LinkText();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex NotInAnchor();

    [GeneratedRegex(@"\.ci/run ([a-z][a-z -]*?)(`| *#|\n)")]
    private static partial Regex Named();
}
