using System.Text.Json;
using FinanceIngest.Cli.Detecting;
using FinanceIngest.Cli.Inspection;
using FinanceIngest.Cli.Running;
using FinanceIngest.Configuration;
using FinanceIngest.Detection;
using FinanceIngest.Ground;
using FinanceIngest.Learning;
using FinanceIngest.Replay;
using FinanceIngest.Storage.Sqlite;
using FinanceIngest.Tests.Storage;
using FinanceIngest.Tests.Support;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Cli;

/// <summary>The commands <c>detectors verify</c>, <c>rebuild</c> and <c>compare</c>, <c>replay</c>, and what <c>doctor</c> says of detectors.</summary>
public sealed class DetectorCommandsTests : IDisposable
{
    private readonly CliHarness _cli = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task States_that_are_what_their_rows_say_are_in_order()
    {
        await LearnAsync(DetectorNames.Adaptive);

        CliResult text = await _cli.RunAsync("detectors", "verify");
        CliResult json = await _cli.RunAsync("detectors", "verify", "--json");

        Assert.Equal((0, 0), (text.ExitCode, json.ExitCode));
        Assert.Contains("3 users with states, 300 rows that taught them something.", text.Output, StringComparison.Ordinal);
        Assert.Equal((3, 300, 0), (json.Json.Number("users"), json.Json.Number("rows"), json.Json.Number("different")));
        Assert.Empty(json.Json.GetProperty("differences").EnumerateArray());
    }

    [Fact]
    public async Task States_that_somebody_changed_are_named_user_by_user_and_made_anew_on_request()
    {
        await LearnAsync(DetectorNames.Adaptive);
        await DamageAsync(2);

        CliResult text = await _cli.RunAsync("detectors", "verify");
        CliResult json = await _cli.RunAsync("detectors", "verify", "--json");
        CliResult unasked = await _cli.RunAsync("detectors", "rebuild");
        CliResult rebuilt = await _cli.RunAsync("detectors", "rebuild", "--yes", "--json");
        CliResult after = await _cli.RunAsync("detectors", "verify");
        CliResult again = await _cli.RunAsync("detectors", "rebuild", "--yes");

        Assert.Equal((1, 1), (text.ExitCode, json.ExitCode));
        Assert.Matches(@"(?m)^user 2: category 1: amounts: \S+ is stored, and the rows add up to ", text.Output);
        Assert.Contains("1 user with other states than their rows say: run \"detectors rebuild\".", text.Output, StringComparison.Ordinal);
        JsonElement difference = Assert.Single(json.Json.GetProperty("differences").EnumerateArray());
        Assert.Equal(2, difference.Number("user_id"));
        Assert.StartsWith("category 1: amounts: ", difference.GetProperty("lines")[0].GetString(), StringComparison.Ordinal);
        Assert.Equal(2, unasked.ExitCode);
        Assert.Contains("give --yes", unasked.Error, StringComparison.Ordinal);
        Assert.Equal((0, 1, 1), (rebuilt.ExitCode, rebuilt.Json.Number("different"), rebuilt.Json.Number("rebuilt")));
        Assert.Equal(0, after.ExitCode);
        Assert.Contains("nothing was changed", again.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_empty_database_and_one_of_the_z_score_alone_have_nothing_to_verify()
    {
        Assert.Equal(0, (await _cli.RunAsync("migrate")).ExitCode);
        CliResult empty = await _cli.RunAsync("detectors", "verify", "--json");
        await LearnAsync(DetectorNames.ZScore);
        CliResult zScore = await _cli.RunAsync("detectors", "verify", "--json");

        Assert.Equal((0, 0, 0), (empty.ExitCode, empty.Json.Number("users"), empty.Json.Number("rows")));
        Assert.Equal((0, 0, 0), (zScore.ExitCode, zScore.Json.Number("users"), zScore.Json.Number("rows")));
        CliResult rebuilt = await _cli.RunAsync("detectors", "rebuild", "--yes", "--json");
        Assert.Equal((0, 0), (rebuilt.ExitCode, rebuilt.Json.Number("rebuilt")));
    }

    [Fact]
    public async Task Detectors_are_compared_where_a_shadow_scored_too()
    {
        await LearnAsync(DetectorNames.ZScore);
        CliResult none = await _cli.RunAsync("detectors", "compare");
        Transaction[] rows = await LearnAsync(DetectorNames.ZScore, DetectorNames.Adaptive);

        JsonElement all = (await _cli.RunAsync("detectors", "compare", "--json")).Json;
        JsonElement user = (await _cli.RunAsync("detectors", "compare", "--user", "2", "--json")).Json;
        CliResult one = await _cli.RunAsync("detectors", "compare", "--limit", "1", "--json");
        JsonElement none2 = (await _cli.RunAsync("detectors", "compare", "--to", "2020-01-01", "--json")).Json;
        CliResult text = await _cli.RunAsync("detectors", "compare");

        Assert.Contains("No row of the period was scored by a shadow detector", none.Output, StringComparison.Ordinal);
        JsonElement pair = Assert.Single(all.GetProperty("pairs").EnumerateArray());
        Assert.Equal(("zscore", "adaptive"), (pair.GetProperty("detector").GetString(), pair.GetProperty("shadow").GetString()));
        Assert.Equal((300, 300, 3, 0, 0), (all.Number("rows"), pair.Number("rows"), pair.Number("users"), pair.Number("both"), pair.Number("only_detector")));
        long found = pair.Number("only_shadow");
        Assert.InRange(found, 1, 20);
        Assert.Equal(found, all.Number("different"));
        Assert.Equal(found / pair.GetProperty("user_months").GetDouble(), pair.GetProperty("shadow_per_user_month").GetDouble(), 9);
        Assert.Equal(0, pair.GetProperty("detector_per_user_month").GetDouble());
        Assert.Equal(found, all.GetProperty("differences").GetArrayLength());
        JsonElement difference = all.GetProperty("differences")[0];
        Assert.Contains(rows, row => row.Id == difference.GetProperty("id").GetGuid() && row.Amount.ToDouble() == difference.GetProperty("amount").GetDouble());
        Assert.False(difference.GetProperty("is_anomaly").GetBoolean());
        Assert.True(difference.GetProperty("shadow").GetProperty("is_anomaly").GetBoolean());
        Assert.Equal(JsonValueKind.Null, difference.GetProperty("z_score").ValueKind);
        Assert.Equal(100, user.Number("rows"));
        Assert.Equal(1, one.Json.GetProperty("differences").GetArrayLength());
        Assert.Contains(found > 1 ? "in all" : "", one.Error, StringComparison.Ordinal);
        Assert.Equal((0, 0), (none2.Number("rows"), none2.GetProperty("pairs").GetArrayLength()));
        Assert.Contains("zscore\tadaptive\t300\t3", text.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_history_is_scored_again_and_every_row_is_in_the_file()
    {
        Transaction[] rows = await LearnAsync(DetectorNames.ZScore);
        _cli.Write("again.csv", "what was there");

        CliResult json = await _cli.RunAsync("replay", "--detector", "adaptive", "--output", _cli.PathOf("again.csv"), "--json");
        CliResult text = await _cli.RunAsync("replay", "--detector", "adaptive", "--from", "2026-01-10", "--alerts-per-user-month", "4");

        Assert.Equal((0, 300, 3, 0), (json.ExitCode, json.Json.Number("rows"), json.Json.Number("users"), json.Json.Number("stored")));
        long found = json.Json.Number("replayed");
        Assert.Equal((found, 0, 0), (json.Json.Number("new"), json.Json.Number("both"), json.Json.Number("no_longer")));
        Assert.Equal(
            found / json.Json.GetProperty("user_months").GetDouble(), json.Json.GetProperty("replayed_per_user_month").GetDouble(), 9);
        string[] lines = File.ReadAllLines(_cli.PathOf("again.csv"));
        Assert.Equal(ReplayFile.Header, lines[0]);
        Assert.Equal(rows.Select(row => row.Id.ToString("D")), lines.Skip(1).Select(line => line.Split(',')[0]));
        Assert.Equal(found, lines.Skip(1).Count(line => line.Split(',')[6] == "true"));
        Assert.Matches(
            @"^[0-9a-f-]{36},\d,\d,\d+\.\d{2,4},2026-\d\d-\d\dT[\d:.]+Z,false,(true|false),-?[\d.E-]+,[\d.E-]+,"".+ your usual for category \d: .+""$",
            lines[^1]);
        Assert.True(OperatingSystem.IsWindows() || File.GetUnixFileMode(_cli.PathOf("again.csv")) == PrivateFiles.FileMode);
        Assert.Matches(@"(?m)^rows +\d+$", text.Output);
        Assert.Matches(@"(?m)^anomalies as replayed +\d+ \(\d+\.\d{3} per user and month\)$", text.Output);
        Assert.Equal(0, (await _cli.RunAsync("detectors", "verify")).ExitCode);
    }

    [Fact]
    public async Task An_empty_database_is_a_history_without_rows()
    {
        Assert.Equal(0, (await _cli.RunAsync("migrate")).ExitCode);

        CliResult json = await _cli.RunAsync("replay", "--detector", "adaptive", "--json");
        CliResult text = await _cli.RunAsync("replay", "--detector", "zscore", "--output", _cli.PathOf("none.csv"));

        Assert.Equal((0, 0), (json.ExitCode, json.Json.Number("rows")));
        Assert.Equal(JsonValueKind.Null, json.Json.GetProperty("replayed_per_user_month").ValueKind);
        Assert.Contains("0 (unknown per user and month)", text.Output, StringComparison.Ordinal);
        Assert.Equal([ReplayFile.Header], File.ReadAllLines(_cli.PathOf("none.csv")));
    }

    [Theory]
    [InlineData("replay", "--detector")]
    [InlineData("replay --detector mad", "--detector must be one of zscore, adaptive.")]
    [InlineData("replay --detector zscore --alerts-per-user-month 1", "is for adaptive")]
    [InlineData("replay --detector adaptive --alerts-per-user-month 0", "--alerts-per-user-month must be a number from 0.001 to 1000.")]
    [InlineData("replay --detector adaptive --from yesterday", "--from must be a date")]
    [InlineData("detectors compare --user 0", "--user must be from 1")]
    [InlineData("detectors compare --limit x", "--limit must be from 0")]
    public async Task Wrong_use_is_one_line(string command, string problem)
    {
        CliResult result = await _cli.RunAsync(command.Split(' '));

        Assert.Equal((2, ""), (result.ExitCode, result.Output));
        Assert.Contains(problem, Assert.Single(result.Error.TrimEnd().Split('\n')), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_can_not_be_written_is_one_line_and_leaves_nothing_behind()
    {
        await LearnAsync(DetectorNames.ZScore);

        CliResult result = await _cli.RunAsync("replay", "--detector", "adaptive", "--output", _cli.PathOf("nowhere/again.csv"));

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("again.csv can't be written: ", Assert.Single(result.Error.TrimEnd().Split('\n')), StringComparison.Ordinal);
        Directory.CreateDirectory(_cli.PathOf("folder.csv"));
        Assert.Equal(1, (await _cli.RunAsync("replay", "--detector", "adaptive", "--output", _cli.PathOf("folder.csv"))).ExitCode);
        Assert.Empty(Directory.GetFiles(_cli.PathOf(""), "*.partial"));
    }

    [Theory]
    [InlineData("detectors verify")]
    [InlineData("detectors verify --json")]
    [InlineData("detectors compare")]
    [InlineData("detectors compare --json")]
    [InlineData("replay --detector adaptive")]
    [InlineData("replay --detector adaptive --json")]
    public async Task A_reader_that_goes_away_ends_the_command_in_one_line(string command)
    {
        await LearnAsync(DetectorNames.ZScore, DetectorNames.Adaptive);
        using var error = new StringWriter();
        using var broken = new BrokenPipe();
        var host = new CliHost { Output = broken, Error = error, Time = _cli.Time };

        int exitCode = await CommandLine.RunAsync([.. command.Split(' '), "--data-directory", _cli.PathOf("data")], host);

        Assert.Equal(1, exitCode);
        Assert.Equal("Broken pipe", Assert.Single(error.ToString().TrimEnd().Split('\n')));
    }

    [Fact]
    public async Task Doctor_says_which_detectors_score_and_what_they_learned()
    {
        await LearnAsync(DetectorNames.ZScore);
        (string Status, string Text)[] zScore = await DoctorAsync();
        await LearnAsync(DetectorNames.ZScore, DetectorNames.Adaptive);
        (string Status, string Text)[] shadowed = await DoctorAsync();
        await RenewAsync();
        (string Status, string Text)[] renewed = await DoctorAsync();

        Assert.Equal(
            [
                ("ok", "zscore decides, by these settings and in the newest row"),
                ("ok", "nothing has been learned, and no detector that is set learns"),
            ],
            zScore);
        Assert.Equal(
            [
                ("warning", "zscore decides by these settings, and in the newest row zscore decides, with adaptive as shadow."),
                ("warning", "3 users with states, and nothing is known of all users together yet."),
            ],
            shadowed);
        Assert.Equal(
            ("ok", "3 users with states; what is known of all together has version 1, was made within the hour, as of 2026-03-18T06:00:00.000000Z"),
            renewed[1]);
    }

    [Fact]
    public void A_model_that_is_not_renewed_is_pointed_out_while_a_detector_learns()
    {
        var settings = new Settings { DataDirectory = "unused", Detector = DetectorNames.Adaptive };
        var model = new ModelFacts(9, Sample.Noon, Sample.Noon.AddDays(30), Sample.Noon.AddDays(31));
        var newest = new NewestScored("adaptive/1", null, Sample.Noon.AddDays(38));
        var facts = new LearnedFacts(model, 3, newest);
        var late = facts with { Newest = newest with { OccurredAt = Sample.Noon.AddDays(45) } };

        Assert.All(DetectorFindings.Of(settings, facts, Sample.Noon.AddDays(38)), finding =>
            Assert.Equal(Verdict.Fine, finding.Verdict));
        Finding found = DetectorFindings.Of(settings, late, Sample.Noon.AddDays(45)).Last();
        Assert.Equal(Verdict.Warning, found.Verdict);
        Assert.Contains("It was due on 2026-02-08", found.Text, StringComparison.Ordinal);
        Assert.Contains("was made 14 days ago", found.Text, StringComparison.Ordinal);
    }

    public void Dispose() => _cli.Dispose();

    private async Task<(string Status, string Text)[]> DoctorAsync() =>
    [
        .. (await _cli.RunAsync("doctor", "--json")).Json.GetProperty("checks").EnumerateArray()
            .Where(check => check.GetProperty("check").GetString() == "detectors")
            .Select(check => (check.GetProperty("status").GetString()!, check.GetProperty("text").GetString()!)),
    ];

    // 300 rows of three users in 75 days.
    private async Task<Transaction[]> LearnAsync(string detector, params string[] shadow)
    {
        Transaction[] rows = LearnedHistory.Spending(3, 300, TimeSpan.FromHours(6));
        using SqliteDatabase database = Open();
        await LearnedHistory.ScoreAsync(
            new SqliteScoringStore(database, _cli.Time), new SqliteLearningStore(database, _cli.Time),
            new Settings { DataDirectory = "unused", Detector = detector, Shadow = shadow }, rows, Token);
        return rows;
    }

    private async Task RenewAsync()
    {
        using SqliteDatabase database = Open();
        await new ModelRenewal(new SqliteLearningStore(database, _cli.Time), new Settings { DataDirectory = "unused" })
            .RenewAsync(new DateTime(2026, 3, 18, 6, 0, 0, DateTimeKind.Utc), Token);
    }

    private async Task DamageAsync(long userId)
    {
        using SqliteDatabase database = Open();
        var store = new SqliteLearningStore(database, _cli.Time);
        LearnedUser user = (await store.ReadUserAsync(userId, Token))!;
        KeyState damaged = user.Keys[0].State;
        damaged.Amounts = damaged.Amounts.Plus(damaged.Amounts.High * 1e-6);
        Assert.True(await store.TryReplaceAsync(
            new UserChange(
                userId, user.User.Version, user.User.Version!.Value + 1, user.User.State, null,
                [.. user.Keys.Select((key, i) => new KeyChange(key.Key.Category, i == 0 ? damaged : key.State, key.Carried, IsNew: true))]),
            Token));
    }

    private SqliteDatabase Open() => new(_cli.PathOf("data"), _cli.Time, new DependencyStatus("database"));

    /// <summary>Standard output whose reader has gone.</summary>
    private sealed class BrokenPipe : StringWriter
    {
        public override void Write(char value) => throw new IOException("Broken pipe");

        public override void Write(string? value) => throw new IOException("Broken pipe");

        public override void WriteLine(string? value) => throw new IOException("Broken pipe");
    }
}
