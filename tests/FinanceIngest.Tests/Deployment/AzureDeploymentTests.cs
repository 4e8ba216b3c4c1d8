using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace FinanceIngest.Tests.Deployment;

/// <summary>
/// Checks azure.yaml, azd's hook, and the workflows that deploy. tests/deployment/test_template.py checks what the template itself makes.
/// </summary>
public sealed partial class AzureDeploymentTests
{
    private static readonly object s_azd = Assert.Single(Yaml.Documents("azure.yaml"));
    private static readonly string s_hook = Text("infra/hooks/prepare-database.cs");
    private static readonly object s_whatIf = Assert.Single(Yaml.Documents(".github/workflows/azure-what-if.yml"));

    [Theory]
    [InlineData("postprovision")]
    [InlineData("predeploy")]
    public void The_database_is_prepared_before_programs_of_this_version_run_on_it(string hook)
    {
        Assert.Equal("dotnet run infra/hooks/prepare-database.cs", s_azd.Text($"hooks/{hook}/posix/run"));
        Assert.Equal("dotnet run infra/hooks/prepare-database.cs", s_azd.Text($"hooks/{hook}/windows/run"));
    }

    [Fact]
    public void Azd_keeps_what_the_template_says_of_the_worker()
    {
        // azd writes the whole Container App back with the types of this version, or of its own SDK without one.
        string template = Regex.Match(Text("infra/app/worker.bicep"), @"Microsoft\.App/containerApps@([\d-]+)").Groups[1].Value;
        Assert.Equal(template, s_azd.Text("services/worker/apiVersion"));
        Assert.Contains($"Microsoft.App/containerApps@{template}'", Text("infra/app/worker-image.bicep"), StringComparison.Ordinal);

        // 1.23.4 lets objects be given as JSON.
        Version required = Version.Parse(Regex.Match(s_azd.Text("requiredVersions/azd")!, @"^>= (\d+\.\d+\.\d+)$").Groups[1].Value);
        Assert.True(required >= new Version(1, 23, 4));
    }

    [Fact]
    public void The_hook_signs_in_as_azd_in_the_tenant_of_the_deployment()
    {
        Assert.DoesNotContain("new DefaultAzureCredential", s_hook, StringComparison.Ordinal);
        Assert.Contains("TenantId = Setting(\"AZURE_TENANT_ID\")", s_hook, StringComparison.Ordinal);

        // finance-ingest uses DefaultAzureCredential, which takes these two from its environment.
        Assert.Contains("[\"AZURE_TOKEN_CREDENTIALS\"] = OnlyAzd", s_hook, StringComparison.Ordinal);
        Assert.Contains("const string OnlyAzd = nameof(AzureDeveloperCliCredential);", s_hook, StringComparison.Ordinal);
        Assert.Contains("[\"AZURE_TENANT_ID\"] = Setting(\"AZURE_TENANT_ID\")", s_hook, StringComparison.Ordinal);
    }

    [Fact]
    public void The_hook_leaves_the_databases_firewall_closed_however_it_ends()
    {
        // An earlier run may have been killed, so the rule goes whether or not this run made it; a private server has none.
        Assert.Contains("finally\n{\n    await CloseFirewallAsync();\n}", s_hook, StringComparison.Ordinal);
        string close = Regex.Match(s_hook, @"async Task CloseFirewallAsync\(\)\n\{.*?\n\}", RegexOptions.Singleline).Value;
        Assert.Contains("IsTrue(\"PRIVATE_NETWORK\")", close, StringComparison.Ordinal);
        Assert.Contains("FirewallAsync(HttpMethod.Delete, null, CancellationToken.None)", close, StringComparison.Ordinal);
        Assert.DoesNotContain("opened", close, StringComparison.Ordinal);

        // A failure to close it must not hide why the run ended, and neither Ctrl-C nor SIGTERM may end the process before that.
        Assert.Contains("catch (Exception e)", close, StringComparison.Ordinal);
        Assert.DoesNotContain("throw", close, StringComparison.Ordinal);
        Assert.Matches(@"Console\.CancelKeyPress \+= \(_, e\) =>\n\{\n    e\.Cancel = true;\n    stop\.Cancel\(\);", s_hook);
        Assert.Matches(@"PosixSignal\.SIGTERM, context =>\n\{\n    context\.Cancel = true;\n    stop\.Cancel\(\);", s_hook);
    }

    [Fact]
    public void The_hook_lets_the_intake_go_while_the_free_amount_is_used_up()
    {
        Assert.Contains("if (IsTrue(\"SKIP_DATABASE\"))", s_hook, StringComparison.Ordinal);
        Assert.Contains("e.Message.Contains(FreeAmountIsUsedUp", s_hook, StringComparison.Ordinal);
        Assert.Contains("SKIP_DATABASE=true azd deploy intake", Text("docs/azure.md"), StringComparison.Ordinal);
    }

    [Fact]
    public void The_hook_builds_apart_from_what_azd_packages() => Assert.Contains("\"--artifacts-path\", built.FullName", s_hook, StringComparison.Ordinal);

    [Fact]
    public void What_if_asks_without_rights_to_write_and_with_every_parameter()
    {
        string[] steps = [.. s_whatIf.List("jobs/what-if/steps").Select(step => step.Text("run") ?? "")];
        string whatIf = Assert.Single(steps, step => step.Contains("az deployment sub what-if", StringComparison.Ordinal));
        Assert.Contains("--validation-level ProviderNoRbac", whatIf, StringComparison.Ordinal);
        string fill = Assert.Single(steps, step => step.Contains("python3 tools/azd_parameters.py", StringComparison.Ordinal));
        Assert.Contains("SERVICE_WORKER_RESOURCE_EXISTS: $exists", fill, StringComparison.Ordinal);

        // Before the first deployment there is no resource group, and a command on it would fail.
        Assert.Contains("if [ \"$(az group exists --name \"rg-$ENVIRONMENT\")\" = true ]; then", fill, StringComparison.Ordinal);
        string file = Regex.Match(fill, @">""(\S+)""").Groups[1].Value;
        Assert.Contains($"--parameters \"@{file}\"", whatIf, StringComparison.Ordinal);
        Assert.Equal("${{ toJSON(vars) }}", s_whatIf.List("jobs/what-if/steps").Single(step => step.Text("run") == fill).Text("env/VARIABLES"));
    }

    [Fact]
    public void What_if_runs_for_everything_that_the_template_reads()
    {
        string[] paths = [.. s_whatIf.List("on/pull_request/paths").Cast<string>()];
        foreach (string module in Directory.GetFiles(Path.Combine(Support.Repository.Root, "infra"), "*.bicep", SearchOption.AllDirectories))
        {
            foreach (Match load in LoadedFile().Matches(File.ReadAllText(module)))
            {
                string loaded = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(module)!, load.Groups[1].Value));
                string path = Path.GetRelativePath(Support.Repository.Root, loaded).Replace('\\', '/');
                Assert.True(paths.Any(pattern => pattern == path || (pattern.EndsWith("/**", StringComparison.Ordinal) && IsBelow(path, pattern[..^2]))), path);
            }
        }
    }

    [Fact]
    public void Each_request_is_exported_once()
    {
        // The worker process exports its requests, traces and logs by itself (AddTelemetryExport). The host would export the requests again, and the worker's
        // log lines that reach it: https://learn.microsoft.com/azure/azure-functions/configure-monitoring#configure-categories.
        using JsonDocument host = JsonDocument.Parse(Text("src/IngestFunction/host.json"));
        JsonElement levels = host.RootElement.GetProperty("logging").GetProperty("logLevel");
        Assert.Equal("Warning", levels.GetProperty("default").GetString());
        Assert.All(new[] { "Host.Results", "Host.Aggregator", "Function" }, category => Assert.Equal("None", levels.GetProperty(category).GetString()));
        Assert.Contains("AddTelemetryExport", Text("src/IngestFunction/Program.cs"), StringComparison.Ordinal);
    }

    [Fact]
    public void Images_have_one_name_where_they_are_published_and_where_they_are_deployed()
    {
        string version = XDocument.Parse(Text("Directory.Build.props")).Descendants("VersionPrefix").Single().Value;
        object publish = Assert.Single(Yaml.Documents(".github/workflows/ci.yml")).At("jobs/publish")!;
        string[] published = [.. publish.List("strategy/matrix/image").Cast<string>()];
        string name = Assert.Single(publish.List("steps"), step => step.Text("id") == "name").Text("run")!;
        Assert.Contains("image=ghcr.io/${GITHUB_REPOSITORY_OWNER,,}/finance-ingest-${{ matrix.image }}\"", name, StringComparison.Ordinal);
        Assert.Contains("\"v$version\"", name, StringComparison.Ordinal);
        string copy = Assert.Single(publish.List("steps"), step => step.Text("id") == "copy").Text("run")!;
        Assert.Contains("docker://${{ steps.name.outputs.image }}:${{ steps.name.outputs.version }}", copy, StringComparison.Ordinal);

        object[] deployed = [.. Assert.Single(Yaml.Documents("k8s/overlays/azure/kustomization.yaml")).List("images")];
        Assert.Equal(
            published.Select(image => $"ghcr.io/change-me/finance-ingest-{image}:{version}").Order(),
            deployed.Select(image => $"{image.Text("newName")}:{image.Text("newTag")}").Order());
        Assert.Contains($"ghcr.io/OWNER/finance-ingest-worker:{version}", Text("docs/azure.md"), StringComparison.Ordinal);
    }

    private static bool IsBelow(string path, string folder) => path.StartsWith(folder, StringComparison.Ordinal);

    private static string Text(string path) => File.ReadAllText(Path.Combine(Support.Repository.Root, path)).ReplaceLineEndings("\n");

    [GeneratedRegex(@"load(?:Json|Yaml|Text)Content\('([^']+)'")]
    private static partial Regex LoadedFile();
}
