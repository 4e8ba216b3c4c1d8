using FinanceIngest.Baselines;
using FinanceIngest.Commands;
using FinanceIngest.Configuration;
using FinanceIngest.Detection;
using FinanceIngest.Ground;
using FinanceIngest.Replay;
using FinanceIngest.Results;
using FinanceIngest.Scoring;
using FinanceIngest.Storage.Sqlite;
using FinanceIngest.Tests.Support;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Replay;

/// <summary>A replay says what the detector says when it scores the same rows as they come.</summary>
public sealed class HistoryReplayTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly SqliteDatabase _database;
    private readonly SqliteScoringStore _scoring;
    private readonly SqliteBaselineStore _baselines;
    private readonly SqliteLearningStore _learning;

    public HistoryReplayTests()
    {
        _database = new SqliteDatabase(_folder.Path, TimeProvider.System, new DependencyStatus("database"));
        _scoring = new SqliteScoringStore(_database, TimeProvider.System);
        _baselines = new SqliteBaselineStore(_database, TimeProvider.System);
        _learning = new SqliteLearningStore(_database, TimeProvider.System);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // Within one day nothing is renewed, neither by a worker nor by a replay.
    [Fact]
    public async Task Adaptive_says_again_what_it_said_whatever_the_order_of_the_rows()
    {
        Settings settings = Set(DetectorNames.Adaptive);
        Transaction[] rows = LearnedHistory.Spending(4, 400, TimeSpan.FromMinutes(1));
        Transaction[] shuffled = [.. rows];
        new Random(3).Shuffle(shuffled);
        await LearnedHistory.ScoreAsync(_scoring, _learning, settings, shuffled, Token);
        Dictionary<Guid, TransactionResult> stored = (await new SqliteResultsStore(_database).GetAsync([.. rows.Select(row => row.Id)], Token))
            .ToDictionary(result => result.Id);

        (List<ReplayedRow> replayed, ReplaySummary summary) = await RunAsync(settings, new ReplayWish(DetectorNames.Adaptive, default, 0.25, WithWords: true));

        Assert.Equal(rows.Select(row => row.Id), replayed.Select(row => row.Row.Id));
        Assert.Equal((400, 4, 0, 0), (summary.Rows, summary.Users, summary.NoLonger, summary.New));
        Assert.True(summary.Both > 0, "No row is an anomaly, so that nothing is shown.");
        Assert.Equal(stored.Values.Count(result => result.IsAnomaly), summary.Both);
        Assert.All(replayed, row =>
        {
            Detected said = stored[row.Row.Id].Detected!;
            Assert.Equal(stored[row.Row.Id].IsAnomaly, row.IsAnomaly);
            Assert.Equal(said.Odds, (float)row.Score!.Value);
            Assert.Equal(said.IsKnown ? (float)said.Surprise : null, (float?)row.Surprise);
            Assert.NotNull(row.Explanation);
        });
    }

    [Fact]
    public async Task A_smaller_budget_finds_no_anomaly_that_a_larger_one_does_not()
    {
        Settings settings = Set(DetectorNames.ZScore);
        await LearnedHistory.ScoreAsync(_scoring, _learning, settings, LearnedHistory.Spending(4, 2_000, TimeSpan.FromHours(3)), Token);

        (List<ReplayedRow> small, _) = await RunAsync(settings, new ReplayWish(DetectorNames.Adaptive, default, 0.1, WithWords: false));
        (List<ReplayedRow> large, _) = await RunAsync(settings, new ReplayWish(DetectorNames.Adaptive, default, 4, WithWords: false));

        HashSet<Guid> ofLarge = [.. large.Where(row => row.IsAnomaly).Select(row => row.Row.Id)];
        Assert.True(small.Count(row => row.IsAnomaly) < ofLarge.Count);
        Assert.All(small.Where(row => row.IsAnomaly), row => Assert.Contains(row.Row.Id, ofLarge));
        Assert.All(large, row => Assert.Null(row.Explanation));
    }

    [Fact]
    public async Task Rows_before_the_period_are_learned_and_not_judged()
    {
        Settings settings = Set(DetectorNames.ZScore);
        Transaction[] rows = LearnedHistory.Spending(2, 300, TimeSpan.FromHours(6));
        await LearnedHistory.ScoreAsync(_scoring, _learning, settings, rows, Token);
        (List<ReplayedRow> all, _) = await RunAsync(settings, new ReplayWish(DetectorNames.Adaptive, default, 1, WithWords: true));

        var period = new Period(rows[100].OccurredAt, rows[200].OccurredAt);
        (List<ReplayedRow> some, ReplaySummary summary) = await RunAsync(settings, new ReplayWish(DetectorNames.Adaptive, period, 1, WithWords: true));

        Assert.Equal(all[100..200], some);
        Assert.Equal((100, rows[100].OccurredAt, rows[199].OccurredAt), (summary.Rows, summary.First!.Value, summary.Last!.Value));
    }

    [Fact]
    public async Task A_verdict_counts_from_the_first_row_after_it()
    {
        Settings settings = Set(DetectorNames.ZScore);
        Transaction[] rows = LearnedHistory.Spending(1, 300, TimeSpan.FromHours(12));
        int at = Array.FindIndex(rows, 100, row => row.Amount.ToDouble() > 1000);
        Transaction large = rows[at];

        // The same amount again, two rows later.
        rows[at + 2] = rows[at + 2] with { CategoryId = large.CategoryId, Amount = large.Amount };
        await LearnedHistory.ScoreAsync(_scoring, _learning, settings, rows, Token);
        var wish = new ReplayWish(DetectorNames.Adaptive, default, 1, WithWords: false);
        (List<ReplayedRow> without, _) = await RunAsync(settings, wish);
        Assert.True(without[at].IsAnomaly && without[at + 2].IsAnomaly, "The amount is no anomaly, so that nothing is shown.");

        await GiveAsync(large.Id, FeedbackVerdict.Expected, rows[at + 1].OccurredAt);
        (List<ReplayedRow> answered, _) = await RunAsync(settings, wish);
        await GiveAsync(large.Id, FeedbackVerdict.Expected, rows[^1].OccurredAt.AddDays(1));
        (List<ReplayedRow> late, _) = await RunAsync(settings, wish);

        // A verdict gives its row a new place among the rows, and changes nothing else of it.
        Assert.Equal(without[..(at + 1)].Select(Said), answered[..(at + 1)].Select(Said));
        Assert.False(answered[at + 2].IsAnomaly);
        Assert.Equal(without.Select(Said), late.Select(Said));

        static (Guid Id, bool IsAnomaly, double? Score) Said(ReplayedRow row) => (row.Row.Id, row.IsAnomaly, row.Score);
    }

    [Fact]
    public async Task The_z_score_takes_the_present_baselines_and_threshold()
    {
        Settings settings = Set(DetectorNames.ZScore);
        Transaction[] rows = LearnedHistory.Spending(2, 106, TimeSpan.FromHours(6));
        await LearnedHistory.ScoreAsync(_scoring, _learning, settings, rows, Token);
        await _baselines.UpsertAsync(
            [new BaselineRow(new BaselineKey(1, 1), new Baseline(25, 10, 40)), new BaselineRow(new BaselineKey(1, 2), new Baseline(25, 10, 1))], Token);

        (List<ReplayedRow> replayed, ReplaySummary summary) = await RunAsync(settings, new ReplayWish(DetectorNames.ZScore, default, 0.25, WithWords: true));

        Assert.Equal((106, 0, 0), (summary.Rows, summary.Stored, summary.NoLonger));
        Assert.Equal(rows.Count(row => row is { UserId: 1, CategoryId: 1 } && Math.Abs((row.Amount.ToDouble() - 25) / 10) > 3), summary.New);
        Assert.True(summary.New > 0, "No row is an anomaly, so that nothing is shown.");
        Assert.All(replayed, row => Assert.Equal(row.Row is { UserId: 1, CategoryId: 1 }, row.Score is not null));
        Assert.All(replayed, row => Assert.Equal((null, null), (row.Surprise, row.Explanation)));
    }

    public void Dispose()
    {
        _database.Dispose();
        _folder.Dispose();
    }

    private Task<WriteCounts> GiveAsync(Guid id, FeedbackVerdict verdict, DateTime acceptedAt) => _scoring.WriteAsync(
        new ScoredBatch([], [], []) { Commands = [new FeedbackCommand(Guid.CreateVersion7(), acceptedAt, id, verdict)] }, Token);

    private static Settings Set(string detector) => new() { DataDirectory = "unused", Detector = detector };

    private async Task<(List<ReplayedRow> Rows, ReplaySummary Summary)> RunAsync(Settings settings, ReplayWish wish)
    {
        var summary = new ReplaySummary(wish.Period.To);
        List<ReplayedRow> rows = [];
        await foreach (ReplayedRow row in new HistoryReplay(new SqliteReplayStore(_database), _baselines, settings).RunAsync(wish, summary, Token))
        {
            rows.Add(row);
        }

        return (rows, summary);
    }
}
