using FinanceIngest.Results;
using FinanceIngest.Tests.Support;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Storage;

public abstract class HistoryContract(StoreFixture fixture) : StoreContract(fixture)
{
    [Fact]
    public async Task A_users_history_is_newest_first_with_every_combination_of_filters_and_page_size()
    {
        TransactionResult[] written =
        [
            .. Enumerable.Range(0, 48).Select(i => Row(
                minute: i % 12, user: 1 + (i % 2), category: 1 + (i / 2 % 2), amount: (i % 5) - 2, isAnomaly: i % 7 == 0)),
        ];
        await WriteAsync(written);
        for (int mask = 0; mask < 64; mask++)
        {
            var filter = new HistoryFilter(
                2, (mask & 1) == 0 ? null : 1, (mask & 2) == 0 ? null : TransactionStatus.Scored, (mask & 4) == 0 ? null : false, (mask & 8) == 0
                    ? null : new Money(20_000),
                (mask & 16) == 0 ? null : Sample.Noon.AddMinutes(2), (mask & 32) == 0 ? null : Sample.Noon.AddMinutes(9));
            TransactionResult[] expected =
            [
                .. written.Where(row => row.UserId == 2 && (filter.CategoryId ?? row.CategoryId) == row.CategoryId
                    && (filter.IsAnomaly ?? row.IsAnomaly) == row.IsAnomaly
                    && (filter.MinAmount is null || Math.Abs(row.Amount!.Value.Units) >= 20_000)
                    && (filter.From is null || row.OccurredAt >= filter.From) && (filter.To is null || row.OccurredAt < filter.To)),
            ];

            IReadOnlyList<TransactionResult> all = (await ReadAsync(filter)).Results;

            Assert.Equal(expected.ToHashSet(), [.. all]);
            Assert.Equal(all.OrderByDescending(row => row.OccurredAt), all);
            Assert.Equal(all, await ReadAllAsync(filter, limit: 1 + (mask % 5)));
        }
    }

    [Fact]
    public async Task A_history_that_was_put_in_later_lies_at_its_own_time()
    {
        TransactionResult late = Row(9, 1, 1), early = Row(1, 1, 1), between = Row(5, 1, 1);
        await WriteAsync(late);
        await WriteAsync(early);
        await WriteAsync(between);

        Assert.Equal([late, between, early], (await ReadAsync(new HistoryFilter(1))).Results);
    }

    [Fact]
    public async Task What_failed_is_listed_with_the_time_at_which_it_failed_where_it_has_no_other()
    {
        TransactionResult unread = Sample.Failed() with { ScoredAt = Sample.Noon.AddMinutes(5) };
        TransactionResult read = Sample.Failed() with
        {
            UserId = 1,
            CategoryId = 2,
            Amount = new Money(1),
            OccurredAt = Sample.Noon.AddMinutes(6),
            AcceptedAt = Sample.Noon
        };
        await WriteAsync(Row(7, 1, 1), unread, read, Row(4, 1, 1));

        Assert.Equal([read, unread], (await ReadAsync(new HistoryFilter(Status: TransactionStatus.Failed))).Results);
        Assert.Equal([read], (await ReadAsync(new HistoryFilter(1, Status: TransactionStatus.Failed))).Results);
        Assert.Equal([read, unread], await ReadAllAsync(new HistoryFilter(Status: TransactionStatus.Failed), limit: 1));
    }

    [Fact]
    public async Task Spending_has_the_scored_rows_of_a_user_since_an_instant()
    {
        TransactionResult in1 = Row(5, 1, 3, amount: 7), in2 = Row(9, 1, 4, amount: -2, isAnomaly: true);
        await WriteAsync(in1, in2, Row(4, 1, 3), Row(6, 2, 3), Sample.Failed() with { UserId = 1, CategoryId = 3, OccurredAt = Sample.Noon.AddMinutes(7) });

        IReadOnlyList<SpendingRow> rows = await Stores.History.ReadSpendingAsync(1, Sample.Noon.AddMinutes(5), Token);

        Assert.Equal(
            [new SpendingRow(3, new Money(70_000), in1.OccurredAt!.Value, false), new SpendingRow(4, new Money(-20_000), in2.OccurredAt!.Value, true)],
            rows.OrderBy(row => row.OccurredAt));
    }

    [Fact]
    public async Task There_may_be_nothing()
    {
        Assert.Empty((await ReadAsync(new HistoryFilter(1))).Results);
        Assert.Empty((await ReadAsync(new HistoryFilter(Status: TransactionStatus.Failed))).Results);
        Assert.Empty(await Stores.History.ReadSpendingAsync(1, DateTime.UnixEpoch, Token));
        Assert.Equal(FeedCursor.Start, await Stores.History.ReadFeedEndAsync(Token));
        FeedAnomalies part = (await Stores.History.ReadFeedAnomaliesAsync(FeedCursor.Start, 10, Token))!;
        Assert.Equal((0, FeedCursor.Start, true), (part.Anomalies.Count, part.Next, part.IsEnd));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(1000)]
    public async Task The_feeds_anomalies_are_read_once_each_and_every_cursor_is_the_feeds_own(int reach)
    {
        var expected = new List<Guid>();
        for (int batch = 0; batch < 5; batch++)
        {
            TransactionResult[] rows = [.. Enumerable.Range(0, 4).Select(i => Row(i, 1, 1, isAnomaly: (batch + i) % 2 == 0))];
            await WriteAsync(rows);
        }

        foreach (TransactionResult result in (await ReadFeedAsync(FeedCursor.Start)).Results.Where(result => result.IsAnomaly))
        {
            expected.Add(result.Id);
        }

        var found = new List<Guid>();
        FeedCursor at = FeedCursor.Start;
        FeedAnomalies part;
        do
        {
            part = (await Stores.History.ReadFeedAnomaliesAsync(at, reach, Token))!;
            foreach ((TransactionResult result, FeedCursor cursor) in part.Anomalies)
            {
                found.Add(result.Id);

                // The feed goes on behind the anomaly.
                Assert.DoesNotContain(result.Id, (await ReadFeedAsync(cursor)).Results.Select(other => other.Id));
                FeedAnomalies rest = (await Stores.History.ReadFeedAnomaliesAsync(cursor, 1000, Token))!;
                Assert.Equal(expected.Skip(found.Count), rest.Anomalies.Select(other => other.Result.Id));
            }

            at = part.Next;
        }
        while (!part.IsEnd);

        Assert.Equal(expected, found);
        Assert.Empty((await ReadFeedAsync(at)).Results);
        Assert.Empty((await Stores.History.ReadFeedAnomaliesAsync(await Stores.History.ReadFeedEndAsync(Token), 10, Token))!.Anomalies);
        TransactionResult next = Row(1, 1, 1, isAnomaly: true);
        await WriteAsync(next);
        Assert.Equal([next.Id], (await Stores.History.ReadFeedAnomaliesAsync(at, reach, Token))!.Anomalies.Select(other => other.Result.Id));
    }

    [Fact]
    public async Task A_cursor_of_another_history_is_noticed()
    {
        await WriteAsync(Row(1, 1, 1));
        FeedCursor end = await Stores.History.ReadFeedEndAsync(Token);

        Assert.Null(await Stores.History.ReadFeedAnomaliesAsync(end with { BatchId = end.BatchId + 1 }, 10, Token));
    }

    [Fact]
    public async Task Anomalies_below_an_amount_are_left_out_whatever_their_sign()
    {
        TransactionResult small = Row(3, 1, 1, amount: 5, isAnomaly: true), large = Row(2, 1, 1, amount: 9, isAnomaly: true), negative = Row(1, 1, 1,
            amount: -9, isAnomaly: true);
        await WriteAsync(small, large, negative);

        AnomalyPage page = await Stores.Results.ReadAnomaliesAsync(new AnomalyFilter(MinAmount: new Money(90_000)), null, 10, Token);

        Assert.Equal([large, negative], page.Anomalies);
    }

    private static TransactionResult Row(int minute, long user, long category, int amount = 1, bool isAnomaly = false) => (isAnomaly
        ? Sample.Anomaly() : Sample.Scored()) with
    {
        OccurredAt = Sample.Noon.AddMinutes(minute),
        UserId = user,
        CategoryId = category,
        Amount = new Money(amount * Money.Scale),
    };

    private Task<HistoryPage> ReadAsync(HistoryFilter filter) => Stores.History.ReadHistoryAsync(filter, null, 1000, Token);

    private async Task<List<TransactionResult>> ReadAllAsync(HistoryFilter filter, int limit)
    {
        var rows = new List<TransactionResult>();
        AnomalyCursor? cursor = null;
        do
        {
            HistoryPage page = await Stores.History.ReadHistoryAsync(filter, cursor, limit, Token);
            rows.AddRange(page.Results);
            cursor = page.Next;
        }
        while (cursor is not null);

        return rows;
    }
}

public sealed class SqliteHistoryTests(SqliteFixture fixture) : HistoryContract(fixture), IClassFixture<SqliteFixture>;

[Needs(Outside.SqlServer)]
public sealed class SqlServerHistoryTests(SqlServerFixture fixture) : HistoryContract(fixture), IClassFixture<SqlServerFixture>;
