using FinanceIngest.Commands;
using FinanceIngest.Detection;
using FinanceIngest.Results;
using FinanceIngest.Scoring;
using FinanceIngest.Tests.Support;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Storage;

public abstract class AnomaliesContract(StoreFixture fixture) : StoreContract(fixture)
{
    [Fact]
    public async Task Only_anomalies_are_listed_newest_first()
    {
        TransactionResult[] written =
        [
            At(2, 1, 1), At(1, 1, 1), At(3, 1, 1), Sample.Scored() with { OccurredAt = Sample.Noon.AddMinutes(9) }, Sample.Failed(),
        ];
        await WriteAsync(written);

        AnomalyPage page = await ReadAsync(new AnomalyFilter());

        Assert.Equal([written[2], written[0], written[1]], page.Anomalies);
        Assert.Null(page.Next);
    }

    [Fact]
    public async Task Filters_restrict_and_from_is_inclusive_and_to_is_not()
    {
        TransactionResult[] written =
            [.. Enumerable.Range(0, 24).Select(i => At(minute: i / 4, user: 1 + (i % 2), category: 1 + (i / 2 % 2)))];
        await WriteAsync(written);
        DateTime? from = Sample.Noon.AddMinutes(1);
        DateTime? to = Sample.Noon.AddMinutes(4);

        for (int mask = 0; mask < 16; mask++)
        {
            var filter = new AnomalyFilter(
                (mask & 1) == 0 ? null : 1, (mask & 2) == 0 ? null : 2, (mask & 4) == 0 ? null : from, (mask & 8) == 0 ? null : to);
            IEnumerable<TransactionResult> expected = written.Where(row =>
                (filter.UserId ?? row.UserId) == row.UserId && (filter.CategoryId ?? row.CategoryId) == row.CategoryId
                && (filter.From is null || row.OccurredAt >= filter.From) && (filter.To is null || row.OccurredAt < filter.To));

            AnomalyPage page = await ReadAsync(filter);

            Assert.Equal(expected.ToHashSet(), [.. page.Anomalies]);
            Assert.Equal(page.Anomalies.OrderByDescending(row => row.OccurredAt), page.Anomalies);
            Assert.Equal(page.Anomalies, await ReadAllAsync(filter, limit: 3));
        }
    }

    [Fact]
    public async Task Ties_are_neither_lost_nor_repeated_with_every_page_size()
    {
        TransactionResult[] written = [.. Enumerable.Range(0, 9).Select(i => At(minute: i / 4, user: 1, category: 1))];
        await WriteAsync(written);
        IReadOnlyList<TransactionResult> all = (await ReadAsync(new AnomalyFilter())).Anomalies;

        Assert.Equal(written.ToHashSet(), [.. all]);
        for (int limit = 1; limit <= 10; limit++)
        {
            Assert.Equal(all, await ReadAllAsync(new AnomalyFilter(), limit));
            Assert.Equal(all, await ReadAllAsync(new AnomalyFilter(UserId: 1), limit));
        }
    }

    [Fact]
    public async Task A_cursor_keeps_its_place_while_newer_anomalies_come()
    {
        TransactionResult[] written = [At(1, 1, 1), At(2, 1, 1)];
        await WriteAsync(written);
        AnomalyPage first = await Stores.Results.ReadAnomaliesAsync(new AnomalyFilter(), null, 1, Token);

        await WriteAsync(At(3, 1, 1));
        AnomalyPage second = await Stores.Results.ReadAnomaliesAsync(new AnomalyFilter(), first.Next, 1, Token);

        Assert.Equal([written[1]], first.Anomalies);
        Assert.Equal([written[0]], second.Anomalies);
        Assert.Null(second.Next);
    }

    [Theory]
    [InlineData("zscore", 0, 1, 2)]
    [InlineData("adaptive", 3, 4, 5)]
    [InlineData("adaptive/1", 3, 4)]
    [InlineData("adaptive/2", 5)]
    [InlineData("adaptive/3")]
    public async Task A_detector_is_selected_in_every_version_or_in_one(string name, params int[] expected)
    {
        TransactionResult[] written = await WriteJudgedAsync();
        Assert.True(DetectorFilter.TryParse(name, out DetectorFilter? detector));
        var filter = new AnomalyFilter(Detector: detector);

        Assert.Equal(expected.Select(index => written[index].Id), (await ReadAsync(filter)).Anomalies.Select(row => row.Id));
        Assert.Equal(expected.Select(index => written[index].Id), (await ReadAllAsync(filter, limit: 1)).Select(row => row.Id));
        Assert.Empty((await ReadAsync(filter with { UserId = 2 })).Anomalies);
    }

    [Theory]
    [InlineData("none", 0, 3)]
    [InlineData("given", 1, 2, 4, 5)]
    [InlineData("expected", 1, 4)]
    [InlineData("unexpected", 2, 5)]
    public async Task Verdicts_are_selected_and_so_are_rows_without_one(string name, params int[] expected)
    {
        TransactionResult[] written = await WriteJudgedAsync();
        Assert.True(VerdictFilter.TryParse(name, out VerdictFilter? verdict));
        var filter = new AnomalyFilter(Verdict: verdict);

        Assert.Equal(expected.Select(index => written[index].Id), (await ReadAsync(filter)).Anomalies.Select(row => row.Id));
        Assert.Equal(expected.Select(index => written[index].Id), (await ReadAllAsync(filter, limit: 1)).Select(row => row.Id));
        Assert.Empty((await ReadAsync(filter with { MinAmount = new Money(long.MaxValue) })).Anomalies);
    }

    [Fact]
    public async Task There_may_be_none()
    {
        AnomalyPage page = await ReadAsync(new AnomalyFilter(UserId: 1));

        Assert.Empty(page.Anomalies);
        Assert.Null(page.Next);
    }

    private static TransactionResult At(int minute, long user, long category) =>
        Sample.Anomaly() with { OccurredAt = Sample.Noon.AddMinutes(minute), UserId = user, CategoryId = category };

    // The newest first: three of zscore, two of adaptive/1 and one of adaptive/2; of each three one without a verdict, one that is the user's and one that is
    // not.
    private async Task<TransactionResult[]> WriteJudgedAsync()
    {
        string?[] detectors = [null, null, null, "adaptive/1", "adaptive/1", "adaptive/2"];
        TransactionResult[] rows =
        [
            .. detectors.Select((detector, index) => At(minute: 9 - index, user: 1, category: 1) with
            {
                Detected = detector is null ? null : new Detected { Detector = detector },
                Contribution = detector is null ? null : default(Contribution),
            }),
        ];
        await WriteAsync(rows[..3]);
        Transaction[] learned =
        [
            .. rows[3..].Select(row => new Transaction(
                row.Id, row.UserId!.Value, row.CategoryId!.Value, row.Amount!.Value, row.OccurredAt!.Value, row.AcceptedAt!.Value)),
        ];
        await Stores.Scoring.LearnAsync(new LearningWork(new Wanted(learned, usesBaselines: false), (_, _) => Sample.Batch(rows[3..])), Token);
        FeedbackCommand[] verdicts =
        [
            .. rows.Select((row, index) => (row, index)).Where(item => item.index % 3 > 0).Select(item => new FeedbackCommand(
                Guid.CreateVersion7(), Sample.Noon.AddHours(1), item.row.Id,
                item.index % 3 == 1 ? FeedbackVerdict.Expected : FeedbackVerdict.Unexpected)),
        ];
        await Stores.Scoring.WriteAsync(new ScoredBatch([], [], []) { Commands = verdicts }, Token);
        return rows;
    }

    private Task<AnomalyPage> ReadAsync(AnomalyFilter filter) => Stores.Results.ReadAnomaliesAsync(filter, null, 1000, Token);

    private async Task<List<TransactionResult>> ReadAllAsync(AnomalyFilter filter, int limit)
    {
        var anomalies = new List<TransactionResult>();
        AnomalyCursor? cursor = null;
        do
        {
            AnomalyPage page = await Stores.Results.ReadAnomaliesAsync(filter, cursor, limit, Token);
            anomalies.AddRange(page.Anomalies);
            cursor = page.Next;
        }
        while (cursor is not null);

        return anomalies;
    }
}

public sealed class SqliteAnomaliesTests(SqliteFixture fixture) : AnomaliesContract(fixture), IClassFixture<SqliteFixture>;

[Needs(Outside.SqlServer)]
public sealed class SqlServerAnomaliesTests(SqlServerFixture fixture) : AnomaliesContract(fixture), IClassFixture<SqlServerFixture>;
