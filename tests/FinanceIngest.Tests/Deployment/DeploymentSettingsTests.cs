using System.Text.Json;
using System.Text.RegularExpressions;
using FinanceIngest.Configuration;
using Microsoft.Extensions.Configuration;

namespace FinanceIngest.Tests.Deployment;

/// <summary>
/// Compares the settings that an operator can give to a deployment in Azure with those that the code knows. The one list is the parameter <c>settings</c> in
/// infra/main.parameters.json: a new setting is one line there, or one line in <see cref="s_notInTheList"/> with the reason.
/// </summary>
public sealed partial class DeploymentSettingsTests
{
    private const string ByWorkerSettings = "names with a part of the operator's own, or of the worker alone: WORKER_SETTINGS and WORKER_VAULT_REFERENCES";

    /// <summary>Settings that the list deliberately lacks, or the beginnings of their names, and why.</summary>
    private static readonly Dictionary<string, string> s_notInTheList = new()
    {
        ["FinanceIngest__DataDirectory"] = "refused in Azure, where disks are lost with their instance",
        ["FinanceIngest__Roles"] = "each app of a deployment has the roles that it was made for",
        ["FinanceIngest__IdSigningKey"] = "in the vault, and fixed for the life of the installation",
        ["FinanceIngest__InboundQueue"] = "infra/names.json, from which the queue and the rights to it are made as well",
        ["FinanceIngest__AlertQueue"] = "infra/names.json",
        ["FinanceIngest__ApiKeys__"] = "the Functions host has the keys",
        ["FinanceIngest__Intake__MaximumConnections"] = "Kestrel's, which the Function App does not run",
        ["FinanceIngest__Notify__"] = ByWorkerSettings,
    };

    private static readonly Dictionary<string, string> s_list = JsonDocument
        .Parse(File.ReadAllText(Path.Combine(Support.Repository.Root, "infra", "main.parameters.json"))).RootElement
        .GetProperty("parameters").GetProperty("settings").GetProperty("value").EnumerateObject()
        .ToDictionary(setting => setting.Name, setting => setting.Value.GetString()!);

    [Fact]
    public void Every_setting_can_be_given_to_a_deployment_or_has_a_reason()
    {
        string[] missing = [.. Known().Where(name => !s_list.ContainsKey(name) && !s_notInTheList.Keys.Any(start => IsOrBegins(name, start)))];
        Assert.True(
            missing.Length == 0,
            "infra/main.parameters.json lacks settings that the code knows. Add these lines to its parameter \"settings\", or their names with a reason to "
                + $"{nameof(s_notInTheList)}:\n{string.Join('\n', missing.Select(name => $"        \"{name}\": \"{Variable(name)}\","))}");
    }

    [Fact]
    public void No_setting_of_the_list_is_misspelt()
    {
        string[] known = Known();
        Assert.All(s_list.Keys, name => Assert.Contains(name, known));
        Assert.All(s_list.Keys, name => Assert.DoesNotContain(s_notInTheList.Keys, start => IsOrBegins(name, start)));
    }

    [Fact]
    public void A_setting_has_the_variable_of_its_name() => Assert.All(s_list, setting => Assert.Equal(Variable(setting.Key), setting.Value));

    [Fact]
    public void Every_variable_is_explained_where_the_deployment_is()
    {
        string page = File.ReadAllText(Path.Combine(Support.Repository.Root, "docs", "azure.md"));
        string parameters = File.ReadAllText(Path.Combine(Support.Repository.Root, "infra", "main.parameters.json"));
        Assert.All(VariableUse().Matches(parameters).Select(match => match.Groups[1].Value).Except(["AZURE_ENV_NAME", "AZURE_LOCATION"]), variable =>
            Assert.True(page.Contains($"`{variable}`", StringComparison.Ordinal), $"docs/azure.md does not say what {variable} does."));
    }

    private static bool IsOrBegins(string name, string start) =>
        start.EndsWith("__", StringComparison.Ordinal) ? name.StartsWith(start, StringComparison.Ordinal) : name == start;

    // FinanceIngest__Scoring__MinimumSamples: ${SCORING_MINIMUM_SAMPLES=}
    private static string Variable(string name) =>
        $"${{{Capital().Replace(name["FinanceIngest__".Length..].Replace("__", "_", StringComparison.Ordinal), "_").ToUpperInvariant()}=}}";

    /// <summary>Returns every setting that the code knows, from the message about one that it does not know.</summary>
    private static string[] Known()
    {
        const string unknown = "FinanceIngest__NoSuchSetting";
        IConfiguration configuration = new ConfigurationBuilder()
            .AddInMemoryCollection([KeyValuePair.Create(unknown.Replace("__", ":", StringComparison.Ordinal), (string?)"1")]).Build();
        string message = Assert.Throws<SettingsException>(() => SettingsReader.Read(configuration, ProgramKind.IngestServer)).Message;
        string[] known = [.. Name().Matches(message).Select(match => match.Value).Where(name => name != unknown).Distinct()];
        Assert.True(known.Length > 10, message);
        return known;
    }

    [GeneratedRegex(@"FinanceIngest__\w+")]
    private static partial Regex Name();

    [GeneratedRegex("(?<=[a-z0-9])(?=[A-Z])")]
    private static partial Regex Capital();

    [GeneratedRegex(@"\$\{(\w+)")]
    private static partial Regex VariableUse();
}
