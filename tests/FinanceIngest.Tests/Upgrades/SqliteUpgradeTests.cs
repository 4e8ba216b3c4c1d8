using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Upgrades;

/// <summary>
/// Upgrades of an installation on embedded storage. Its file is opened by one version at a time once the schema has changed, so the common run is possible only
/// while it has not; the two tests below hold in either case.
/// </summary>
[Needs(Outside.Program)]
public sealed class SqliteUpgradeTests : UpgradeTests
{
    private const string Scripts = "src/Shared/Storage/Sqlite/Migrations";

    [Fact]
    public async Task A_file_of_the_release_is_taken_over_with_every_row()
    {
        (ProgramProcess worker, _) = await StartAsync("ScoringWorker", old: true);
        (ProgramProcess intake, Uri address) = await StartAsync("IngestServer", old: true);
        await using var load = new Load(address);
        await Eventually.TrueAsync(() => load.Count >= 200, TestContext.Current.CancellationToken);
        await load.StopAsync();
        int[] codes = await Task.WhenAll(intake.TerminateAsync(), worker.TerminateAsync());
        Assert.All(codes, code => Assert.Equal(0, code));

        await StartAsync("ScoringWorker", old: false);
        (_, address) = await StartAsync("IngestServer", old: false);
        load.MoveTo(address);
        await Eventually.TrueAsync(async () => await load.ScoredAsync() == load.Count, TestContext.Current.CancellationToken);
        Assert.Equal(load.Acknowledged.Order(), (await load.FeedAsync()).Order());
    }

    [Fact]
    public async Task The_release_opens_a_file_of_today_or_refuses_it_in_one_line()
    {
        (int migrated, _, string log) = await CommandAsync(old: false, "migrate");
        Assert.True(migrated == 0, log);

        (int code, _, string refusal) = await CommandAsync(old: true, "queue", "status");
        string[] lines = refusal.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        bool isSame = await OldCanNotAsync() is null;
        Assert.True(isSame ? code == 0 : code != 0 && lines.Length == 1, $"{code}: {refusal}");
    }

    private protected override async Task<(string Name, string Value)[]> EnvironmentAsync()
    {
        await Release.ProgramAsync("finance-ingest");
        return [("FinanceIngest__DataDirectory", Path.Combine(Folder.Path, "data"))];
    }

    private protected override async Task<string?> OldCanNotAsync()
    {
        await Release.ProgramAsync("finance-ingest");
        string[] today = [.. Directory.EnumerateFiles(Path.Combine(Repository.Root, Scripts)).Select(path => Path.GetFileName(path)!).Order()];
        string[] newer = [.. today.Except(await Release.FilesAsync(Scripts))];
        return newer.Length == 0
            ? null
            : $"Embedded storage: {Release.Version} refuses a file with {string.Join(", ", newer)} (docs/operations.md, Upgrade and rollback). "
                + $"{nameof(SqlServerUpgradeTests)} covers programs of both versions on one database.";
    }
}
