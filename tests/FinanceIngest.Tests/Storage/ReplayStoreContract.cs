using FinanceIngest.Baselines;
using FinanceIngest.Commands;
using FinanceIngest.Configuration;
using FinanceIngest.Detection;
using FinanceIngest.Learning;
using FinanceIngest.Replay;
using FinanceIngest.Results;
using FinanceIngest.Scoring;
using FinanceIngest.Storage.Sqlite;
using FinanceIngest.Storage.SqlServer;
using FinanceIngest.Tests.Support;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Storage;

/// <summary>The history is read page by page as it was when the reading began, and what was learned is told.</summary>
public abstract class ReplayStoreContract(StoreFixture fixture) : StoreContract(fixture)
{
    private static readonly Settings s_shadowed = new() { DataDirectory = "unused", Shadow = [DetectorNames.Adaptive] };

    private protected abstract IReplayStore Open();

    // Rows of one batch are written in the order of their ids.
    private static Guid Id(int i) => Guid.CreateVersion7(new DateTimeOffset(Sample.Noon).AddSeconds(i));

    [Fact]
    public async Task An_empty_database_has_no_history_and_has_learned_nothing()
    {
        IReplayStore store = Open();

        Assert.Equal(0, await store.FindLastAsync(Token));
        Assert.Empty((await store.ReadRowsAsync(new HistoryPart(0, 0, 10), Token)).Rows);
        Assert.Equal(new LearnedFacts(null, 0, null), await store.ReadLearnedAsync(Token));
    }

    [Fact]
    public async Task Scored_rows_are_read_in_parts_and_failed_ones_are_not()
    {
        TransactionResult[] rows =
        [
            .. Enumerable.Range(0, 25).Select(i => (i % 2 == 0 ? Sample.Scored(Id(i)) : Sample.Anomaly(Id(i))) with
            {
                UserId = 1 + (i % 3), CategoryId = 7, Amount = new Money((i - 12) * 12_345), OccurredAt = Sample.Noon.AddDays(-i),
            }),
        ];
        await WriteAsync(rows[..10]);
        await WriteAsync(Sample.Failed());
        await WriteAsync(rows[10..]);
        IReplayStore store = Open();
        long last = await store.FindLastAsync(Token);
        await WriteAsync(Sample.Scored());

        List<HistoryRow> read = [];
        List<int> sizes = [];
        for (long after = 0; after < last;)
        {
            HistoryPage<HistoryRow> page = await store.ReadRowsAsync(new HistoryPart(after, last, 7), Token);
            read.AddRange(page.Rows);
            sizes.Add(page.Rows.Count);
            Assert.InRange(page.End, after + 1, last);
            after = page.End;
        }

        Assert.Equal([7, 6, 7, 5], sizes);
        Assert.Equal(
            rows.Select(row => (row.Id, row.UserId!.Value, row.CategoryId!.Value, row.Amount!.Value.ToDecimal(), row.OccurredAt!.Value, row.IsAnomaly)),
            read.Select(row => (row.Id, row.UserId, row.CategoryId, row.Amount, row.OccurredAt, row.IsAnomaly)));
        Assert.All(read, row => Assert.Equal(DateTimeKind.Utc, row.OccurredAt.Kind));
        Assert.Equal(read.Select(row => row.RowId).Order(), read.Select(row => row.RowId));
    }

    [Fact]
    public async Task Filters_take_a_user_and_a_period_whose_end_is_no_part_of_it()
    {
        Transaction[] rows = LearnedHistory.Spending(2, 12, TimeSpan.FromHours(1));
        await LearnedHistory.ScoreAsync(Stores.Scoring, Stores.Learning, s_shadowed, rows, Token);
        IReplayStore store = Open();
        long last = await store.FindLastAsync(Token);
        for (int mask = 0; mask < 8; mask++)
        {
            var part = new HistoryPart(0, last, 100)
            {
                UserId = (mask & 1) == 0 ? null : 2,
                From = (mask & 2) == 0 ? null : Sample.Noon.AddHours(3),
                To = (mask & 4) == 0 ? null : Sample.Noon.AddHours(9),
            };
            Guid[] wanted =
            [
                .. rows.Where(row => row.UserId == (part.UserId ?? row.UserId) && row.OccurredAt >= (part.From ?? row.OccurredAt)
                    && row.OccurredAt < (part.To ?? DateTime.MaxValue)).Select(row => row.Id),
            ];

            Assert.Equal(wanted, (await store.ReadRowsAsync(part, Token)).Rows.Select(row => row.Id));
            Assert.Equal(wanted, (await store.ReadShadowedAsync(part, Token)).Rows.Select(row => row.Row.Id));
        }
    }

    [Fact]
    public async Task Rows_with_a_shadow_say_what_both_detectors_said()
    {
        Transaction[] rows = LearnedHistory.Spending(1, 2, TimeSpan.FromHours(1));
        await Stores.Baselines.UpsertAsync([new BaselineRow(new BaselineKey(1, 1), new Baseline(1, 1, 40))], Token);
        await WriteAsync(Sample.Scored(), Sample.Failed());
        await LearnedHistory.ScoreAsync(Stores.Scoring, Stores.Learning, s_shadowed, rows, Token);
        IReplayStore store = Open();

        HistoryPage<ShadowedRow> page = await store.ReadShadowedAsync(new HistoryPart(0, await store.FindLastAsync(Token), 100), Token);

        Assert.Equal(rows.Select(row => row.Id), page.Rows.Select(row => row.Row.Id));
        double z = rows[0].Amount.ToDouble() - 1;
        Assert.Equal((true, z, DetectorNames.ZScore), (page.Rows[0].Row.IsAnomaly, page.Rows[0].ZScore, page.Rows[0].LiveName));
        Assert.Equal((false, (double?)null), (page.Rows[1].Row.IsAnomaly, page.Rows[1].ZScore));
        Assert.Equal((await GetAsync(rows[0].Id)).Shadow, page.Rows[0].Shadow);
        ShadowVerdict verdict = Assert.Single(page.Rows[0].Verdicts());
        Assert.Equal((DetectorNames.Adaptive, false), (verdict.Name, verdict.IsAnomaly));
        Assert.NotNull(verdict.Score);
    }

    [Fact]
    public async Task Verdicts_that_hold_are_read_in_pages()
    {
        FeedbackVerdict?[] given = [FeedbackVerdict.Expected, null, FeedbackVerdict.Unexpected, FeedbackVerdict.Expected, FeedbackVerdict.Unexpected];
        Guid[] ids = [.. Enumerable.Range(0, given.Length).Select(Id)];
        await WriteAsync([.. ids[..^1].Select(id => Sample.Scored(id))]);

        // The last transaction has no score yet.
        await Stores.Scoring.WriteAsync(
            new ScoredBatch([], [], [])
            {
                Commands = [.. given.Select((verdict, i) => new FeedbackCommand(Guid.CreateVersion7(), Sample.Noon.AddSeconds(i), ids[i], verdict))],
            },
            Token);
        IReplayStore store = Open();

        IReadOnlyList<GivenVerdict> first = await store.ReadVerdictsAsync(Guid.Empty, 3, Token);
        IReadOnlyList<GivenVerdict> rest = await store.ReadVerdictsAsync(first[^1].Id, 3, Token);

        Assert.Equal(
            [
                new GivenVerdict(ids[0], true, Sample.Noon), new GivenVerdict(ids[2], false, Sample.Noon.AddSeconds(2)),
                new GivenVerdict(ids[3], true, Sample.Noon.AddSeconds(3)),
            ],
            first);
        Assert.Equal([new GivenVerdict(ids[4], false, Sample.Noon.AddSeconds(4))], rest);
    }

    [Fact]
    public async Task What_was_learned_is_told_with_the_detectors_of_the_newest_row()
    {
        var settings = new Settings { DataDirectory = "unused", Detector = DetectorNames.Adaptive, Shadow = [DetectorNames.ZScore] };
        await LearnedHistory.ScoreAsync(Stores.Scoring, Stores.Learning, settings, LearnedHistory.Spending(3, 60, TimeSpan.FromHours(7)), Token);
        DetectionModel model = (await new ModelRenewal(Stores.Learning, settings).RenewAsync(Sample.Noon.AddDays(17), Token))!.Value.Model;
        await WriteAsync(Sample.Failed());

        LearnedFacts facts = await Open().ReadLearnedAsync(Token);

        Assert.Equal(3, facts.Users);
        Assert.Equal(new ModelFacts(1, model.Began!.Value, model.MadeAt, Time.UtcNowMicroseconds()), facts.Model);
        Assert.Equal(RenewalSchedule.After(model.Began!.Value, model.MadeAt), facts.Model!.NextAt);
        Assert.Equal(AdaptiveDetector.Version, facts.Newest!.Detector);
        Assert.Equal(DetectorNames.Adaptive, facts.Newest.DetectorName);
        Assert.Equal([DetectorNames.ZScore], facts.Newest.ShadowNames);
        Assert.Equal(Sample.Noon.AddHours(7 * 59), facts.Newest.OccurredAt);
    }
}

public sealed class SqliteReplayStoreTests(SqliteFixture fixture) : ReplayStoreContract(fixture), IClassFixture<SqliteFixture>
{
    private protected override IReplayStore Open() => new SqliteReplayStore(fixture.OpenDatabase());
}

[Needs(Outside.SqlServer)]
public sealed class SqlServerReplayStoreTests(SqlServerFixture fixture) : ReplayStoreContract(fixture), IClassFixture<SqlServerFixture>
{
    private protected override IReplayStore Open() => new SqlServerReplayStore(fixture.OpenDatabase());
}
