using FinanceIngest.Ground;
using FinanceIngest.Storage.Sqlite;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.EndToEnd;

/// <summary>A wrong setting ends the program with exit code 2 and one line that names the setting.</summary>
[Needs(Outside.Program)]
public sealed class SettingsTests
{
    private const string Sql = "Server=tcp:127.0.0.1,1;Database=d;User ID=u;Password=p";

    [Theory]
    [InlineData("IngestServer", "FinanceIngest__Scoring__Threshold", "FinanceIngest__Scoring__Threshold=three")]
    [InlineData("ScoringWorker", "FinanceIngest__Scoring__BatchesInHand", "FinanceIngest__Scoring__BatchesInHand=65")]
    [InlineData("IngestServer", "FinanceIngest__Scoring__MinimumSamples", "FinanceIngest__Scoring__MinimumSamples=0")]
    [InlineData("IngestServer", "FinanceIngest__Roles", "FinanceIngest__Roles=intake,score")]
    [InlineData("IngestServer", "FinanceIngest__InboundQueue", "FinanceIngest__InboundQueue=anomaly_alerts")]
    [InlineData("IngestServer", "FinanceIngest__AlertQueue", "FinanceIngest__AlertQueue=transactions-inbound-poison")]
    [InlineData("IngestServer", "FinanceIngest__ApiKeys__django__Secret", "FinanceIngest__ApiKeys__django__Scopes=read")]
    [InlineData(
        "IngestServer",
        "FinanceIngest__ApiKeys__django__Scopes",
        "FinanceIngest__ApiKeys__django__Scopes=write",
        "FinanceIngest__ApiKeys__django__Secret=s")]
    [InlineData("IngestServer", "FinanceIngest__OlderRoute__WaitSeconds", "FinanceIngest__OlderRoute__WaitSeconds=201")]
    [InlineData("IngestServer", "FinanceIngest__OlderRoute__WaitSeconds", "FinanceIngest__OlderRoute__WaitSeconds=-1")]
    [InlineData("IngestServer", "FinanceIngest__PublicUrl", "FinanceIngest__PublicUrl=finance.example")]
    [InlineData("IngestServer", "FinanceIngest__RateLimit__PerMinute", "FinanceIngest__RateLimit__PerMinute=-1")]
    [InlineData("IngestServer", "FinanceIngest__Treshold", "FinanceIngest__Treshold=3")]
    [InlineData("IngestServer", "FinanceIngest__Scoring__Treshold", "FinanceIngest__Scoring__Treshold=3")]
    [InlineData(
        "IngestServer",
        "FinanceIngest__ApiKeys__django__Scope",
        "FinanceIngest__ApiKeys__django__Scope=read",
        "FinanceIngest__ApiKeys__django__Secret=s")]
    [InlineData("IngestServer", "ASPNETCORE_URLS", "ASPNETCORE_URLS=http://127.0.0.1:99999")]
    [InlineData("IngestServer", "FinanceIngest__ApiKeys__NAME__Secret", "ASPNETCORE_URLS=http://0.0.0.0:0")]
    [InlineData("IngestServer", "FinanceIngest__ApiKeys__NAME__Secret", "ASPNETCORE_HTTP_PORTS=18080")]
    [InlineData("IngestServer", "ASPNETCORE_URLS", "ASPNETCORE_URLS=nonsense")]
    [InlineData("IngestServer", "AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_CONNECTION_STRING=rubbish")]
    [InlineData("IngestServer", "AZURE_STORAGE_QUEUE_SERVICE_URI", "AZURE_STORAGE_QUEUE_SERVICE_URI=ftp://x")]
    [InlineData(
        "IngestServer",
        "AZURE_STORAGE_QUEUE_SERVICE_URI",
        "AZURE_STORAGE_QUEUE_SERVICE_URI=https://x.queue.core.windows.net",
        "AZURE_STORAGE_CONNECTION_STRING=UseDevelopmentStorage=true")]
    [InlineData("IngestServer", "SQL_CONNECTION_STRING", "SQL_CONNECTION_STRING=Server=x;Bogus=1", "FinanceIngest__IdSigningKey=k")]
    [InlineData("IngestServer", "SQL_CONNECTION_STRING", "SQL_CONNECTION_STRING=Server=x", "FinanceIngest__IdSigningKey=k")]
    [InlineData("IngestServer", "FinanceIngest__IdSigningKey", "SQL_CONNECTION_STRING=" + Sql)]
    [InlineData("IngestServer", "FinanceIngest__DataDirectory", "FinanceIngest__DataDirectory=/dev/null/x")]
    [InlineData("IngestFunction", "AZURE_STORAGE_CONNECTION_STRING")]
    [InlineData("IngestFunction", "AZURE_STORAGE_CONNECTION_STRING", "SQL_CONNECTION_STRING=" + Sql, "FinanceIngest__IdSigningKey=k")]
    [InlineData("IngestFunction", "AZURE_STORAGE_CONNECTION_STRING", "FinanceIngest__DataDirectory=data")]
    [InlineData("IngestFunction", "SQL_CONNECTION_STRING", "AZURE_STORAGE_CONNECTION_STRING=UseDevelopmentStorage=true")]
    [InlineData(
        "IngestFunction", "FinanceIngest__DataDirectory",
        "FinanceIngest__DataDirectory=data", "AZURE_STORAGE_CONNECTION_STRING=UseDevelopmentStorage=true", "WEBSITE_INSTANCE_ID=0")]
    [InlineData("ScoringWorker", "SQL_CONNECTION_STRING", "AZURE_STORAGE_CONNECTION_STRING=UseDevelopmentStorage=true")]
    [InlineData("ScoringWorker", "FinanceIngest__Polling__MaximumSeconds", "FinanceIngest__Polling__MaximumSeconds=0")]
    public async Task A_wrong_setting_is_named(string program, string setting, params string[] environment)
    {
        using var folder = new TemporaryFolder();
        await using ProgramProcess process = ProgramProcess.Start(program, [], folder.Path, [.. environment.Select(Split)]);

        (int exitCode, string output) = await process.EndAsync();

        Assert.True(exitCode == 2, process.Log);
        Assert.StartsWith(setting + ": ", process.Log, StringComparison.Ordinal);
        Assert.Single(process.Log.Trim().Split('\n'));
        Assert.Empty(output);
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public async Task A_port_in_use_is_one_line_too()
    {
        using var folder = new TemporaryFolder();
        await using ProgramProcess first = ProgramProcess.StartServer("IngestServer", folder.Path);
        Uri address = await first.AddressAsync();
        using var other = new TemporaryFolder();
        await using ProgramProcess second = ProgramProcess.Start("IngestServer", ["--urls", address.ToString()], other.Path);

        Assert.Equal(1, (await second.EndAsync()).ExitCode);
        Assert.Contains("address already in use", second.Log, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("   at ", second.Log, StringComparison.Ordinal);
        await first.TerminateAsync();
    }

    [Fact]
    public async Task Another_signing_key_than_the_databases_ends_the_worker_before_it_takes_a_message()
    {
        using var folder = new TemporaryFolder();
        await EndToEndTests.AddBaselinesAsync(folder.Path, []);
        await using ProgramProcess first = ProgramProcess.StartServer("ScoringWorker", folder.Path, ("FinanceIngest__IdSigningKey", "the installation's key"));
        await first.AddressAsync();
        await RememberedAsync(folder.Path);
        await first.TerminateAsync();

        await using ProgramProcess second = ProgramProcess.StartServer("ScoringWorker", folder.Path, ("FinanceIngest__IdSigningKey", "another key"));

        Assert.Equal(2, (await second.EndAsync()).ExitCode);
        Assert.Contains("FinanceIngest__IdSigningKey: not this installation's key", second.Log, StringComparison.Ordinal);
    }

    private static async Task RememberedAsync(string folder)
    {
        using var database = new SqliteDatabase(folder, TimeProvider.System, new DependencyStatus("database"));
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (await poll.WaitForNextTickAsync(patience.Token)
            && await database.ReadAsync(session => session.Number("SELECT count(*) FROM installation"), patience.Token) == 0)
        {
            // The worker has not yet written its row into the table.
        }
    }

    private static (string, string) Split(string assignment)
    {
        int at = assignment.IndexOf('=', StringComparison.Ordinal);
        return (assignment[..at], assignment[(at + 1)..]);
    }
}
