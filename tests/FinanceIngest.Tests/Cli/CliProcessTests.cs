using System.Text.Json;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Cli;

/// <summary>The built program as its users run it: from another folder, beside a running server.</summary>
[Needs(Outside.Program)]
public sealed class CliProcessTests : IDisposable
{
    private readonly TemporaryFolder _data = new();
    private readonly TemporaryFolder _elsewhere = new();

    [Fact]
    public async Task Beside_a_running_server_a_file_is_submitted_scored_and_its_alert_seen()
    {
        await using ProgramProcess server = ProgramProcess.StartServer("IngestServer", _data.Path);
        string url = (await server.AddressAsync()).ToString();
        Write("stats.json", """{"399": {"2310": {"mean": 2000, "std": 500, "count": 40}}}""");
        Write("a.csv", "user_id,category_id,amount,occurred_at\n399,2310,6000,2026-01-01T00:00:00Z\n399,2310,2100,2026-01-01T00:00:00Z\n");

        (int exitCode, JsonElement stats, _) = await RunJsonAsync("stats", "import", "stats.json");
        Assert.Equal((0, 1), (exitCode, stats.Number("inserted")));
        for (int run = 0; run < 2; run++)
        {
            (exitCode, JsonElement submitted, string log) = await RunJsonAsync("submit", "a.csv", "--url", url, "--wait");
            Assert.True(exitCode == 0, log);
            Assert.Equal((2, 2, 1), (submitted.Number("accepted"), submitted.Number("scored"), submitted.Number("anomalies")));
            Assert.Equal(8.0, submitted.GetProperty("farthest_anomalies")[0].GetProperty("z_score").GetDouble());
        }

        JsonElement status;
        do
        {
            (exitCode, status, _) = await RunJsonAsync("queue", "status");
        }
        while (status.Number("unsent_alerts") > 0);
        Assert.Equal((0, 0), (exitCode, status.Number("poison")));
        (_, JsonElement alerts, _) = await RunJsonAsync("queue", "peek", "alerts");
        Assert.Equal(8.0, Assert.Single(alerts.EnumerateArray()).GetProperty("z_score").GetDouble());
        Assert.Equal(0, await server.TerminateAsync());
    }

    [Fact]
    public async Task Without_a_server_submitting_fails_with_a_plain_reason()
    {
        Write("a.csv", "user_id,category_id,amount\n1,1,1\n");

        (int exitCode, JsonElement submitted, string log) = await RunJsonAsync("submit", "a.csv", "--url", "http://127.0.0.1:1", "--retries", "0");

        Assert.Equal((1, 1), (exitCode, submitted.Number("unsent")));
        Assert.Contains("can't be reached", log, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_setting_or_command_is_one_line_and_exit_code_2()
    {
        foreach ((string[] arguments, string problem) in new[] { (new[] { "migrate" }, "FinanceIngest__Treshold: "), (["nonsense"], "'nonsense'") })
        {
            await using ProgramProcess process = ProgramProcess.Start("finance-ingest", arguments, _elsewhere.Path, ("FinanceIngest__Treshold", "3"));

            (int exitCode, string output) = await process.EndAsync();

            Assert.Equal((2, ""), (exitCode, output));
            Assert.Contains(problem, Assert.Single(process.Log.Trim().Split('\n')), StringComparison.Ordinal);
        }

        Assert.Empty(Directory.GetFileSystemEntries(_elsewhere.Path));
    }

    [Fact]
    public async Task An_interrupted_watch_ends_at_once()
    {
        await using ProgramProcess process = Start("queue", "status", "--watch");
        while (!process.Log.Contains("fresh data directory", StringComparison.Ordinal))
        {
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }

        // The exit code is 128 plus a signal's number. System.CommandLine chooses between SIGINT (130) and SIGTERM (143).
        Assert.Contains(await process.TerminateAsync(), new[] { 130, 143 });
        Assert.DoesNotContain("   at ", process.Log, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _data.Dispose();
        _elsewhere.Dispose();
    }

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(_elsewhere.Path, name), text);

    private ProgramProcess Start(params string[] arguments) =>
        ProgramProcess.Start("finance-ingest", arguments, _elsewhere.Path, ("FinanceIngest__DataDirectory", _data.Path));

    private async Task<(int ExitCode, JsonElement Json, string Log)> RunJsonAsync(params string[] arguments)
    {
        await using ProgramProcess process = Start([.. arguments, "--json"]);
        (int exitCode, string output) = await process.EndAsync();
        return (exitCode, JsonDocument.Parse(output).RootElement, process.Log);
    }
}
