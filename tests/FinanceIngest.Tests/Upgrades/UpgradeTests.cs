using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Upgrades;

/// <summary>
/// Runs the programs of the last release and today's on one database that today's <c>migrate</c> has brought up, under load, and replaces them in both orders:
/// no acknowledged transaction is lost or doubled on the way, and each step of the way scores.
/// </summary>
public abstract class UpgradeTests : IAsyncLifetime
{
    private readonly List<ProgramProcess> _running = [];

    private protected TemporaryFolder Folder { get; } = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>The settings of every program: the queues and the database.</summary>
    private protected abstract Task<(string Name, string Value)[]> EnvironmentAsync();

    public virtual ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public virtual async ValueTask DisposeAsync()
    {
        foreach (ProgramProcess program in _running)
        {
            await program.DisposeAsync();
        }

        Folder.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task The_release_goes_on_while_the_database_is_migrated_and_is_then_replaced_worker_first()
    {
        await MigrateAsync(old: true);
        (ProgramProcess worker, _) = await StartAsync("ScoringWorker", old: true);
        (ProgramProcess intake, Uri address) = await StartAsync("IngestServer", old: true);
        await using var load = new Load(address);
        await ProgressAsync(load, "the release before the migration");

        await MigrateAsync(old: false);
        await ProgressAsync(load, "the release after the migration");

        await StartAsync("ScoringWorker", old: false);
        await StopAsync(worker);
        await ProgressAsync(load, "today's worker behind the release's intake");

        (_, address) = await StartAsync("IngestServer", old: false);
        load.MoveTo(address);
        await StopAsync(intake);
        await ProgressAsync(load, "today's programs");
        await AssertCompleteAsync(load);
    }

    [Fact]
    public async Task Todays_programs_can_be_replaced_intake_first_and_can_go_back_to_the_release()
    {
        await MigrateAsync(old: true);
        await MigrateAsync(old: false);
        (ProgramProcess oldWorker, _) = await StartAsync("ScoringWorker", old: true);
        (ProgramProcess intake, Uri address) = await StartAsync("IngestServer", old: false);
        await using var load = new Load(address);
        await ProgressAsync(load, "today's intake before the release's worker");

        (ProgramProcess worker, _) = await StartAsync("ScoringWorker", old: false);
        await StopAsync(oldWorker);
        await ProgressAsync(load, "today's programs");

        // The way back: the schema stays, and the programs go in the opposite order.
        (_, address) = await StartAsync("IngestServer", old: true);
        load.MoveTo(address);
        await StopAsync(intake);
        await ProgressAsync(load, "the release's intake before today's worker");

        await StartAsync("ScoringWorker", old: true);
        await StopAsync(worker);
        await ProgressAsync(load, "the release on today's schema");
        await AssertCompleteAsync(load);
    }

    private protected static async Task<string> PathAsync(string name, bool old) => old ? await Release.ProgramAsync(name) : ProgramProcess.PathOf(name);

    private protected async Task<(int ExitCode, string Output, string Log)> CommandAsync(bool old, params string[] arguments)
    {
        await using ProgramProcess command =
            ProgramProcess.StartFile(await PathAsync("finance-ingest", old), arguments, Folder.Path, await EnvironmentAsync());
        (int code, string output) = await command.EndAsync();
        return (code, output, command.Log);
    }

    private protected async Task<(ProgramProcess Program, Uri Address)> StartAsync(string name, bool old)
    {
        (string, string)[] environment = [.. await EnvironmentAsync(), ("FinanceIngest__Roles", name == "IngestServer" ? "intake" : "scorer,dispatcher")];
        ProgramProcess program = ProgramProcess.StartFile(await PathAsync(name, old), ["--urls", "http://127.0.0.1:0"], Folder.Path, environment);
        _running.Add(program);
        return (program, await program.AddressAsync());
    }

    private protected async Task MigrateAsync(bool old)
    {
        (int code, _, string log) = await CommandAsync(old, "migrate");
        Assert.True(code == 0, log);
    }

    private protected static async Task StopAsync(ProgramProcess program) => Assert.Equal(0, await program.TerminateAsync());

    /// <summary>Waits until transactions that were acknowledged from now on are scored.</summary>
    private protected async Task ProgressAsync(Load load, string who)
    {
        int before = load.Count;
        int target = before + 100;
        try
        {
            await Eventually.TrueAsync(async () => load.Count >= target && await load.ScoredAsync() >= target, Token, TimeSpan.FromMinutes(2));
        }
        catch (Exception e) when (e is TimeoutException or HttpRequestException)
        {
            string logs = string.Join("\n----\n", _running.Select(program => program.Log));
            throw new InvalidOperationException($"No progress with {who}: {before} acknowledged before, {load.Count} now. Logs:\n{logs}", e);
        }
    }

    private protected static async Task AssertCompleteAsync(Load load)
    {
        await load.StopAsync();
        await Eventually.TrueAsync(async () => await load.ScoredAsync() == load.Count, Token, TimeSpan.FromMinutes(2));
        List<Guid> feed = await load.FeedAsync();
        Assert.Equal(feed.Count, feed.Distinct().Count());
        Assert.Equal(load.Acknowledged.Order(), feed.Intersect(load.Acknowledged).Order());
    }
}
