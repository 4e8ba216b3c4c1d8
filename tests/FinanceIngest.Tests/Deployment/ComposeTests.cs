using System.Globalization;
using System.Text.RegularExpressions;
using FinanceIngest.Configuration;

namespace FinanceIngest.Tests.Deployment;

/// <summary>Compares compose.yaml with the code.</summary>
public sealed partial class ComposeTests
{
    private static readonly object s_file = Assert.Single(Yaml.Documents("compose.yaml"));

    [Theory]
    [InlineData("intake", ProgramKind.IngestServer)]
    [InlineData("worker", ProgramKind.ScoringWorker)]
    [InlineData("migrate", ProgramKind.Cli)]
    [InlineData("cli", ProgramKind.Cli)]
    public void Programs_take_their_environment(string service, ProgramKind program) =>
        DeployedSettings.AssertQueues(DeployedSettings.Read(Environment(service), program));

    [Theory]
    [InlineData("intake")]
    [InlineData("worker")]
    public void A_stop_has_more_time_than_the_program_takes(string service) =>
        Assert.True(int.Parse(s_file.Text($"services/{service}/stop_grace_period")!.TrimEnd('s'), CultureInfo.InvariantCulture) > Deadlines.Stop.TotalSeconds);

    [Fact]
    public void The_intake_takes_in_and_nothing_else_and_wants_a_key()
    {
        Settings settings = DeployedSettings.Read(Environment("intake"), ProgramKind.IngestServer);
        Assert.Equal(Roles.Intake, settings.Roles);
        Assert.Equal(Scopes.All, Assert.Single(settings.ApiKeys).Scopes);
    }

    [Fact]
    public void All_programs_certify_with_one_key_on_one_database()
    {
        Settings[] all = [
            DeployedSettings.Read(Environment("intake"), ProgramKind.IngestServer),
            DeployedSettings.Read(Environment("worker"), ProgramKind.ScoringWorker),
            DeployedSettings.Read(Environment("migrate"), ProgramKind.Cli)];
        Assert.Single(all.Select(settings => (settings.IdSigningKey, settings.SqlConnectionString, settings.StorageConnectionString)).Distinct());
    }

    [Theory]
    [InlineData("FinanceIngest__IdSigningKey")]
    [InlineData("FinanceIngest__Roles")]
    [InlineData("FinanceIngest__ApiKeys__local__Secret")]
    public void A_misspelt_setting_is_noticed(string name) =>
        Assert.Throws<SettingsException>(() => DeployedSettings.Read(Environment("intake").Misspelt(name), ProgramKind.IngestServer));

    [Fact]
    public void A_misspelt_connection_is_noticed() =>
        Assert.ThrowsAny<Exception>(() => DeployedSettings.Read(Environment("worker").Misspelt("SQL_CONNECTION_STRING"), ProgramKind.ScoringWorker));

    [Fact]
    public void The_database_that_is_made_is_the_one_that_is_used()
    {
        string script = s_file.Text("services/create-database/command/0")!;
        Settings settings = DeployedSettings.Read(Environment("migrate"), ProgramKind.Cli);
        string name = new Microsoft.Data.SqlClient.SqlConnectionStringBuilder(settings.SqlConnectionString).InitialCatalog;
        Assert.Contains($"CREATE DATABASE [{name}]", script, StringComparison.Ordinal);
    }

    [Fact]
    public void Ports_are_published_on_this_machine_only()
    {
        foreach (object? service in ((IDictionary<object, object>)s_file.At("services")!).Values)
        {
            Assert.All(service.List("ports"), port => Assert.StartsWith("127.0.0.1:", (string)port, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Every_variable_that_has_a_default_is_explained_in_the_sample()
    {
        string compose = File.ReadAllText(Path.Combine(Support.Repository.Root, "compose.yaml"));
        string sample = File.ReadAllText(Path.Combine(Support.Repository.Root, ".env.sample"));
        Assert.Equal(
            Variable().Matches(compose).Select(match => match.Groups["name"].Value).Distinct().Order(),
            SampleLine().Matches(sample).Select(match => match.Groups["name"].Value).Order());
        Assert.All(Variable().Matches(compose), match =>
            Assert.Contains($"{match.Groups["name"].Value}={match.Groups["unset"].Value}\n", sample, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("intake")]
    [InlineData("worker")]
    [InlineData("cli")]
    public void Images_are_targets_of_the_Dockerfile(string target)
    {
        Assert.Equal(target, s_file.Text($"services/{target}/build/target"));
        Assert.Contains($"AS {target}\n", File.ReadAllText(Path.Combine(Support.Repository.Root, "Dockerfile")), StringComparison.Ordinal);
    }

    /// <summary>Returns the environment that a service gets when the shell sets no variable.</summary>
    private static Dictionary<string, string> Environment(string service) =>
        s_file.Map($"services/{service}/environment").ToDictionary(pair => pair.Key, pair => Variable().Replace(pair.Value, "${unset}"));

    [GeneratedRegex(@"\$\{(?<name>\w+):-(?<unset>[^}]*)\}")]
    private static partial Regex Variable();

    [GeneratedRegex(@"^(?<name>\w+)=", RegexOptions.Multiline)]
    private static partial Regex SampleLine();
}
