using FinanceIngest.Results;
using FinanceIngest.Tests.Support;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Storage;

/// <summary>Repeats that differ are read with the transaction that stands, amounts as people write them.</summary>
public abstract class ConflictStoreContract(StoreFixture fixture) : StoreContract(fixture)
{
    [Fact]
    public async Task A_repeat_that_differs_is_shown_beside_the_transaction_that_stands()
    {
        TransactionResult first = Sample.Scored() with { Amount = new Money(-625_001) };
        await WriteAsync(first);
        await WriteAsync(first with { Amount = new Money(99_990_000), CategoryId = 7 });

        RepeatConflict conflict = Assert.Single(await Stores.Conflicts.ReadAsync(null, 10, Token));

        Assert.Equal(first.Id, conflict.TransactionId);
        Assert.Equal(new TransactionFacts(399, 2310, -62.5001m, Sample.Noon), conflict.First);
        Assert.Equal(new TransactionFacts(399, 7, 9999m, Sample.Noon), conflict.Repeat);
        Assert.Equal(first.AcceptedAt, conflict.AcceptedAt);
    }

    [Fact]
    public async Task The_latest_come_first_and_pages_follow_each_other()
    {
        TransactionResult first = Sample.Scored();
        await WriteAsync(first);
        for (int i = 1; i <= 5; i++)
        {
            await WriteAsync(first with { Amount = new Money(i) });
        }

        IReadOnlyList<RepeatConflict> page = await Stores.Conflicts.ReadAsync(null, 3, Token);
        IReadOnlyList<RepeatConflict> rest = await Stores.Conflicts.ReadAsync(page[^1].Number, 3, Token);

        Assert.Equal([0.0005m, 0.0004m, 0.0003m], page.Select(conflict => conflict.Repeat.Amount));
        Assert.Equal([0.0002m, 0.0001m], rest.Select(conflict => conflict.Repeat.Amount));
    }

    [Fact]
    public async Task A_repeat_outlives_the_row_it_differs_from()
    {
        TransactionResult first = Sample.Scored();
        await WriteAsync(first);
        await WriteAsync(first with { Amount = new Money(1) });
        await Fixture.PurgeAsync(first.Id);

        Assert.Null(Assert.Single(await Stores.Conflicts.ReadAsync(null, 10, Token)).First);
    }
}

public sealed class SqliteConflictStoreTests(SqliteFixture fixture) : ConflictStoreContract(fixture), IClassFixture<SqliteFixture>;

[Needs(Outside.SqlServer)]
public sealed class SqlServerConflictStoreTests(SqlServerFixture fixture) : ConflictStoreContract(fixture), IClassFixture<SqlServerFixture>;
