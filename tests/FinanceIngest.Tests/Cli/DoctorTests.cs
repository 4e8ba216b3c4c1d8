using System.Text.Json;
using FinanceIngest.Ground;
using FinanceIngest.SigningKeys;
using FinanceIngest.Storage.Sqlite;
using FinanceIngest.Tests.Storage;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Cli;

/// <summary>Each trouble that keeps an installation from starting or working is found, with what to do about it.</summary>
public sealed class DoctorTests : IDisposable
{
    private readonly CliHarness _cli = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_installation_in_order_has_no_problem()
    {
        await MakeAsync();

        CliResult result = await _cli.RunAsync("doctor", "--json");

        Assert.Equal(0, result.ExitCode);
        Assert.True(result.Json.GetProperty("ok").GetBoolean());
        Assert.Equal(
            [
                "settings", "data directory", "file modes", "database", "detectors", "detectors", "signing key", "API keys", "queue", "queue", "queue", "clock",
                "disk", "temporary files",
            ],
            Checks(result).Where(check => check.Name != "settings" || check.Status == "ok").Select(check => check.Name));
    }

    [Fact]
    public async Task A_lost_signing_key_is_a_problem()
    {
        await MakeAsync();
        File.Delete(_cli.PathOf("data/id-signing.key"));

        await AssertProblemAsync("signing key", "is missing");
        Assert.False(File.Exists(_cli.PathOf("data/id-signing.key")));
    }

    [Fact]
    public async Task Another_signing_key_is_a_problem()
    {
        await MakeAsync();
        _cli.Write("data/id-signing.key", "another key of enough characters\n");

        await AssertProblemAsync("signing key", "but the database was made with");
    }

    [Fact]
    public async Task A_database_that_is_none_is_a_problem()
    {
        _cli.Write("data/finance-ingest.db", "this is no database, it is a text that is long enough to be read as a header of one");

        await AssertProblemAsync("database", "unavailable");
    }

    [Fact]
    public async Task A_schema_of_a_later_generation_is_a_problem()
    {
        await MakeAsync();
        await WriteAsync("INSERT INTO schema_migrations (version, name, applied_at, generation) VALUES (9999, 'later', '2026-11-29T00:00:00.000000Z', 2)");

        await AssertProblemAsync("database", "is of generation 2, which this program, of generation 1, can't use");
    }

    [Fact]
    public async Task A_later_schema_of_the_same_generation_is_fine()
    {
        await MakeAsync();
        await WriteAsync("INSERT INTO schema_migrations (version, name, applied_at, generation) VALUES (9999, 'later', '2026-11-29T00:00:00.000000Z', 1)");

        Assert.Contains(Checks(await _cli.RunAsync("doctor", "--json")), check => check is { Name: "database", Status: "ok" });
    }

    [Fact]
    public async Task A_clock_that_was_put_back_is_pointed_out()
    {
        await MakeAsync();
        await WriteAsync("UPDATE anomaly_transactions SET created_at = '2026-03-01T00:00:00.000000Z'");

        Assert.Contains(Checks(await _cli.RunAsync("doctor", "--json")), check => check is { Name: "clock", Status: "warning" });
    }

    [Fact]
    public async Task Wide_modes_are_pointed_out_and_left()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        await MakeAsync();
        const UnixFileMode wide = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead;
        File.SetUnixFileMode(_cli.PathOf("data/finance-ingest.db"), wide);

        CliResult result = await _cli.RunAsync("doctor", "--json");

        Assert.Equal(0, result.ExitCode);
        Assert.Contains(Checks(result), check => check is { Name: "file modes", Status: "warning" } && check.Text.Contains("0604", StringComparison.Ordinal));
        Assert.Equal(wide, File.GetUnixFileMode(_cli.PathOf("data/finance-ingest.db")));
    }

    [Fact]
    public async Task Where_the_data_directory_is_a_file_it_can_not_be_used()
    {
        _cli.Write("data", "a file");

        await AssertProblemAsync("data directory", "is a file");
    }

    public void Dispose() => _cli.Dispose();

    private static List<(string Name, string Status, string Text)> Checks(CliResult result) =>
    [
        .. result.Json.GetProperty("checks").EnumerateArray().Select(check => (
            check.GetProperty("check").GetString()!, check.GetProperty("status").GetString()!, check.GetProperty("text").GetString()!)),
    ];

    private async Task AssertProblemAsync(string check, string text)
    {
        CliResult json = await _cli.RunAsync("doctor", "--json");
        CliResult shown = await _cli.RunAsync("doctor");

        Assert.Equal((1, 1), (json.ExitCode, shown.ExitCode));
        Assert.False(json.Json.GetProperty("ok").GetBoolean());
        JsonElement found = Assert.Single(
            json.Json.GetProperty("checks").EnumerateArray(),
            one => one.GetProperty("check").GetString() == check && one.GetProperty("status").GetString() == "problem");
        Assert.Contains(text, found.GetProperty("text").GetString(), StringComparison.Ordinal);
        Assert.NotEmpty(found.GetProperty("advice").GetString()!);
    }

    private async Task WriteAsync(string sql)
    {
        using var database = new SqliteDatabase(_cli.PathOf("data"), _cli.Time, new DependencyStatus("database"));
        await database.WriteAsync(session => session.Execute(sql), Token);
    }

    private async Task MakeAsync()
    {
        string key = SigningKeyFile.ReadOrCreate(_cli.PathOf("data"));
        using var database = new SqliteDatabase(_cli.PathOf("data"), _cli.Time, new DependencyStatus("database"));
        await new SqliteScoringStore(database, _cli.Time).WriteAsync(Sample.Batch(Sample.Scored()), Token);
        var signingKey = new SigningKey(key, path: null, _cli.Time, new DependencyStatus("signing_key"));
        var ids = new FinanceIngest.Transactions.IdCertifier(key, _cli.Time);
        await new SigningKeyCheck(new SqliteInstallationStore(database), ids, signingKey).VerifyAsync(Token);
    }
}

/// <summary>Settings come from the environment and the command line, and never from a file that happens to lie in the current folder.</summary>
[Needs(Outside.Program)]
public sealed class SettingOriginTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public async Task A_settings_file_in_the_current_folder_redirects_nothing_and_each_origin_is_told()
    {
        string elsewhere = Path.Combine(_folder.Path, "elsewhere");
        File.WriteAllText(Path.Combine(_folder.Path, "appsettings.json"), $$$"""{"FinanceIngest":{"DataDirectory":"{{{elsewhere}}}"}}""");
        Directory.CreateDirectory(elsewhere);

        (int migrated, _) = await RunAsync("migrate");
        (int exitCode, string output) = await RunAsync("doctor", "--json");
        (_, string given) = await RunAsync("doctor", "--json", "--data-directory", elsewhere);

        Assert.Equal((0, 0), (migrated, exitCode));
        Assert.Empty(Directory.GetFileSystemEntries(elsewhere));
        JsonElement doctor = JsonDocument.Parse(output).RootElement;
        JsonElement[] settings = [.. doctor.GetProperty("settings").EnumerateArray()];
        Assert.Equal(
            (Path.Combine(_folder.Path, "data"), "the default, in the current folder"),
            (settings[0].GetProperty("value").GetString(), settings[0].GetProperty("from").GetString()));
        Assert.Contains(settings, setting => setting.GetProperty("from").GetString() == "the environment variable FinanceIngest__ApiKeys__a__Secret");
        Assert.DoesNotContain("a secret that nobody may see", output, StringComparison.Ordinal);
        Assert.Contains("appsettings.json is read by a server", output, StringComparison.Ordinal);
        Assert.Equal(
            "--data-directory", JsonDocument.Parse(given).RootElement.GetProperty("settings")[0].GetProperty("from").GetString());
    }

    [Fact]
    public async Task A_wrong_setting_is_a_finding()
    {
        await using ProgramProcess process = ProgramProcess.Start(
            "finance-ingest", ["doctor", "--json"], _folder.Path, ("FinanceIngest__Scoring__Threshold", "much"));

        (int exitCode, string output) = await process.EndAsync();

        Assert.Equal(1, exitCode);
        string text = JsonDocument.Parse(output).RootElement.GetProperty("checks")[0].GetProperty("text").GetString()!;
        Assert.Contains("FinanceIngest__Scoring__Threshold", text, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
    }

    public void Dispose() => _folder.Dispose();

    private async Task<(int ExitCode, string Output)> RunAsync(params string[] arguments)
    {
        await using ProgramProcess process = ProgramProcess.Start(
            "finance-ingest", arguments, _folder.Path, ("FinanceIngest__ApiKeys__a__Secret", "a secret that nobody may see"));
        return await process.EndAsync();
    }
}
