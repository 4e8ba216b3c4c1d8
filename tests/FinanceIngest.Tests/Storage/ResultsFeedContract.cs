using FinanceIngest.Results;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Storage;

public abstract class ResultsFeedContract(StoreFixture fixture) : StoreContract(fixture)
{
    [Fact]
    public async Task An_empty_feed_has_a_cursor_that_works_later()
    {
        FeedPage empty = await ReadFeedAsync(FeedCursor.Start);
        Assert.Empty(empty.Results);
        TransactionResult result = Sample.Scored();

        await WriteAsync(result);

        Assert.Equal([result], (await ReadFeedAsync(empty.Next)).Results);
    }

    [Fact]
    public async Task Batches_come_in_the_order_in_which_they_were_committed_with_every_page_size()
    {
        int[] sizes = [1, 3, 2, 5, 1];
        var batches = new List<HashSet<Guid>>();
        foreach (int size in sizes)
        {
            TransactionResult[] results = [.. Enumerable.Range(0, size).Select(_ => Sample.Scored())];
            await WriteAsync(results);
            batches.Add([.. results.Select(result => result.Id)]);
        }

        FeedPage all = await ReadFeedAsync(FeedCursor.Start);
        int at = 0;
        foreach (HashSet<Guid> batch in batches)
        {
            Assert.Equal(batch, all.Results.Skip(at).Take(batch.Count).Select(result => result.Id).ToHashSet());
            at += batch.Count;
        }

        Assert.Equal(sizes.Sum(), all.Results.Count);
        for (int limit = 1; limit <= all.Results.Count + 1; limit++)
        {
            Assert.Equal(all.Results, await ReadAllAsync(limit));
        }
    }

    [Fact]
    public async Task The_cursor_stays_at_the_head_while_nothing_new_comes()
    {
        await WriteAsync(Sample.Scored(), Sample.Scored());
        FeedPage full = await ReadFeedAsync(FeedCursor.Start, limit: 2);

        FeedPage first = await ReadFeedAsync(full.Next);
        FeedPage second = await ReadFeedAsync(first.Next);
        await WriteAsync(Sample.Scored());
        FeedPage third = await ReadFeedAsync(second.Next);

        Assert.Empty(first.Results);
        Assert.Empty(second.Results);
        Assert.Equal(first.Next, second.Next);
        Assert.Single(third.Results);
        Assert.True(third.Next.Position > second.Next.Position);
    }

    [Fact]
    public async Task A_redriven_failure_moves_to_a_new_place()
    {
        TransactionResult failed = Sample.Failed();
        TransactionResult neighbour = Sample.Scored();
        TransactionResult scored = Sample.Scored(failed.Id);
        await WriteAsync(failed, neighbour);
        FeedPage before = await ReadFeedAsync(FeedCursor.Start);

        await WriteAsync(scored);

        Assert.Equal([scored], (await ReadFeedAsync(before.Next)).Results);
        Assert.Equal([neighbour, scored], (await ReadFeedAsync(FeedCursor.Start)).Results);
    }

    [Fact]
    public async Task The_cursor_gets_past_batches_whose_rows_have_all_moved()
    {
        TransactionResult failed = Sample.Failed();
        await WriteAsync(failed);
        FeedPage before = await ReadFeedAsync(FeedCursor.Start, limit: 1);
        await WriteAsync(Sample.Scored(failed.Id));
        FeedPage moved = await ReadFeedAsync(before.Next, limit: 1);
        await Fixture.PurgeAsync(failed.Id);

        FeedPage after = await ReadFeedAsync(before.Next, limit: 1);

        Assert.Single(moved.Results);
        Assert.Empty(after.Results);
        Assert.Equal(moved.Next.Position, after.Next.Position);
    }

    [Fact]
    public async Task A_page_is_full_however_many_purged_rows_lie_before_it()
    {
        TransactionResult[] results = [.. Enumerable.Range(0, 30).Select(_ => Sample.Scored())];
        foreach (TransactionResult result in results)
        {
            await WriteAsync(result);
        }

        foreach (TransactionResult result in results[..25])
        {
            await Fixture.PurgeAsync(result.Id);
        }

        FeedPage first = await ReadFeedAsync(FeedCursor.Start, limit: 3);
        FeedPage second = await ReadFeedAsync(first.Next, limit: 3);

        Assert.Equal(results[25..28], first.Results);
        Assert.Equal(results[28..], second.Results);
    }

    [Fact]
    public async Task A_cursor_from_before_a_restore_is_refused()
    {
        await WriteAsync(Sample.Scored());
        await WriteAsync(Sample.Scored());
        FeedCursor old = (await ReadFeedAsync(FeedCursor.Start)).Next;
        await Fixture.ClearAsync();
        IResultsStore restored = Fixture.Open().Results;

        FeedPage? ahead = await restored.ReadFeedAsync(old, 10, Token);
        for (int i = 0; i < 3; i++)
        {
            await Fixture.Open().Scoring.WriteAsync(Sample.Batch(Sample.Scored()), Token);
        }

        FeedPage? overtaken = await restored.ReadFeedAsync(old, 10, Token);

        Assert.Null(ahead);
        Assert.Null(overtaken);
        Assert.Equal(3, (await restored.ReadFeedAsync(FeedCursor.Start, 10, Token))!.Results.Count);
    }

    [Fact]
    public async Task Rows_are_found_by_id_and_unknown_ids_are_missing()
    {
        TransactionResult scored = Sample.Scored();
        TransactionResult failed = Sample.Failed();
        TransactionResult purged = Sample.Scored();
        await WriteAsync(scored, failed, purged);
        await Fixture.PurgeAsync(purged.Id);

        IReadOnlyList<TransactionResult> found = await Stores.Results.GetAsync([failed.Id, Guid.NewGuid(), purged.Id, scored.Id, scored.Id], Token);

        Assert.Equal(3, found.Count);
        Assert.Contains(scored, found);
        Assert.Contains(failed, found);
        Assert.Contains(new TransactionResult { Id = purged.Id, Status = TransactionStatus.Purged }, found);
        Assert.Empty(await Stores.Results.GetAsync([], Token));
    }

    [Fact]
    public async Task A_thousand_ids_are_found_at_once()
    {
        TransactionResult[] results = [.. Enumerable.Range(0, 1000).Select(_ => Sample.Scored())];
        await WriteAsync(results);

        IReadOnlyList<TransactionResult> found = await Stores.Results.GetAsync([.. results.Select(result => result.Id)], Token);

        Assert.Equal(results.ToHashSet(), [.. found]);
    }

    private async Task<List<TransactionResult>> ReadAllAsync(int limit)
    {
        var results = new List<TransactionResult>();
        FeedCursor cursor = FeedCursor.Start;
        while (true)
        {
            FeedPage page = await ReadFeedAsync(cursor, limit);
            Assert.InRange(page.Results.Count, 0, limit);
            results.AddRange(page.Results);
            if (page.Results.Count < limit)
            {
                return results;
            }

            cursor = page.Next;
        }
    }
}

public sealed class SqliteResultsFeedTests(SqliteFixture fixture) : ResultsFeedContract(fixture), IClassFixture<SqliteFixture>;

[Needs(Outside.SqlServer)]
public sealed class SqlServerResultsFeedTests(SqlServerFixture fixture) : ResultsFeedContract(fixture), IClassFixture<SqlServerFixture>;
