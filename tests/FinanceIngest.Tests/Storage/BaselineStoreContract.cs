using FinanceIngest.Baselines;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Storage;

public abstract class BaselineStoreContract(StoreFixture fixture) : StoreContract(fixture)
{
    [Fact]
    public async Task New_rows_are_inserted_and_old_ones_replaced()
    {
        UpsertCounts first = await Stores.Baselines.UpsertAsync([Row(1, 1, 10), Row(1, 2, 20)], Token);
        UpsertCounts second = await Stores.Baselines.UpsertAsync([Row(1, 2, 21), Row(2, 1, 30), Row(2, 2, 40)], Token);

        Assert.Equal(new UpsertCounts(Inserted: 2, Updated: 0), first);
        Assert.Equal(new UpsertCounts(Inserted: 2, Updated: 1), second);
        Assert.Equal([Row(1, 1, 10), Row(1, 2, 21), Row(2, 1, 30), Row(2, 2, 40)], await ReadAllAsync());
    }

    [Fact]
    public async Task Of_several_for_one_key_in_a_call_the_last_wins()
    {
        UpsertCounts counts = await Stores.Baselines.UpsertAsync([Row(1, 1, 10), Row(2, 2, 5), Row(1, 1, 11), Row(1, 1, 12)], Token);

        Assert.Equal(new UpsertCounts(Inserted: 2, Updated: 2), counts);
        Assert.Equal([Row(1, 1, 12), Row(2, 2, 5)], await ReadAllAsync());
    }

    [Fact]
    public async Task Nothing_is_a_valid_call()
    {
        Assert.Equal(default, await Stores.Baselines.UpsertAsync([], Token));
        Assert.Empty(await ReadAllAsync());
    }

    [Fact]
    public async Task Pages_hold_every_row_of_a_filter_once_in_order()
    {
        BaselineRow[] rows = [.. Enumerable.Range(1, 12).SelectMany(user => Enumerable.Range(1, 5).Select(category => Row(user, category, user)))];
        await Stores.Baselines.UpsertAsync([.. rows.Reverse()], Token);

        foreach ((long? user, long? category) in new (long?, long?)[] { (null, null), (3, null), (null, 4), (3, 4), (99, null), (3, 99) })
        {
            BaselineRow[] expected =
                [.. rows.Where(row => (user ?? row.Key.UserId) == row.Key.UserId && (category ?? row.Key.CategoryId) == row.Key.CategoryId)];
            foreach (int limit in new[] { 1, 3, 100 })
            {
                List<BaselineRow> read = [];
                while (await Stores.Baselines.ReadPageAsync(user, category, read.Count == 0 ? null : read[^1].Key, limit, Token) is { Count: > 0 } page)
                {
                    Assert.InRange(page.Count, 1, limit);
                    read.AddRange(page);
                }

                Assert.Equal(expected, read);
            }
        }
    }

    [Fact]
    public async Task A_users_are_removed_all_or_that_of_a_category()
    {
        await Stores.Baselines.UpsertAsync([Row(1, 1, 10), Row(1, 2, 20), Row(2, 1, 30), Row(2, 2, 40)], Token);

        Assert.Equal(1, await Stores.Baselines.RemoveAsync(1, 2, Token));
        Assert.Equal(0, await Stores.Baselines.RemoveAsync(1, 2, Token));
        Assert.Equal(0, await Stores.Baselines.RemoveAsync(3, null, Token));
        Assert.Equal([Row(1, 1, 10), Row(2, 1, 30), Row(2, 2, 40)], await ReadAllAsync());
        Assert.Equal(2, await Stores.Baselines.RemoveAsync(2, null, Token));
        Assert.Equal([Row(1, 1, 10)], await ReadAllAsync());
    }

    [Fact]
    public async Task All_rows_are_read_in_the_order_of_user_and_category()
    {
        // The stores read these rows in more than one page.
        BaselineRow[] rows = [.. Enumerable.Range(0, 20_050).Select(i => Row(1 + (i / 150), 1 + (i % 150), i * 0.1))];
        BaselineRow[] shuffled = [.. rows];
        new Random(1).Shuffle(shuffled);

        await Stores.Baselines.UpsertAsync(shuffled, Token);

        Assert.Equal(rows, await ReadAllAsync());
    }

    [Fact]
    public async Task Keys_and_numbers_keep_their_whole_range()
    {
        BaselineRow[] rows =
        [
            new(new BaselineKey(-1, -1), new Baseline(0, 0, 0)),
            new(new BaselineKey(0, 0), new Baseline(-double.MaxValue, double.MaxValue, long.MaxValue)),
            new(new BaselineKey(long.MaxValue, 1), new Baseline(0.1, 1.0 / 3, 1)),
        ];

        await Stores.Baselines.UpsertAsync(rows, Token);

        Assert.Equal(rows, await ReadAllAsync());
    }

    [Fact]
    public async Task Callers_at_once_leave_one_row_for_each_key()
    {
        UpsertCounts[] counts = await Task.WhenAll(Enumerable.Range(0, 6).Select(caller =>
        {
            BaselineRow[] rows = [.. Enumerable.Range(0, 50).Select(i => Row(1 + (i % 5), 1 + (i / 5), caller))];
            new Random(caller).Shuffle(rows);
            return Fixture.Open().Baselines.UpsertAsync(rows, Token);
        }));

        Assert.Equal(50, counts.Sum(count => count.Inserted));
        Assert.Equal(250, counts.Sum(count => count.Updated));
        List<BaselineRow> all = await ReadAllAsync();
        Assert.Equal(50, all.Count);

        // Each call writes all of its rows or none: every row has the mean of the last caller.
        Assert.Single(all.Select(row => row.Baseline.Mean).Distinct());
    }

    private static BaselineRow Row(long user, long category, double mean) => new(new BaselineKey(user, category), new Baseline(mean, 1.5, 40));

    private async Task<List<BaselineRow>> ReadAllAsync()
    {
        var rows = new List<BaselineRow>();
        await foreach (BaselineRow row in Stores.Baselines.ReadAllAsync(Token))
        {
            rows.Add(row);
        }

        return rows;
    }
}

public sealed class SqliteBaselineStoreTests(SqliteFixture fixture) : BaselineStoreContract(fixture), IClassFixture<SqliteFixture>;

[Needs(Outside.SqlServer)]
public sealed class SqlServerBaselineStoreTests(SqlServerFixture fixture) : BaselineStoreContract(fixture), IClassFixture<SqlServerFixture>;
