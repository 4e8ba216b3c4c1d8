using FinanceIngest.Results;
using FinanceIngest.Scoring;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Storage;

public abstract class ConcurrentWritersContract(StoreFixture fixture) : StoreContract(fixture)
{
    private const int Writers = 8;

    [Fact]
    public async Task Workers_with_overlapping_batches_write_what_one_would()
    {
        // Three workers write every id, each in its own order and with other neighbours in the batch.
        TransactionResult[] results = [.. Enumerable.Range(0, 400).Select(i => i % 4 == 0 ? Sample.Anomaly() : Sample.Scored())];
        var counts = new WriteCounts[Writers];
        using var writing = new CancellationTokenSource();

        Task<List<Guid>> reader = FollowAsync(writing.Token);
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(async worker =>
        {
            IScoringStore store = Fixture.Open().Scoring;
            var random = new Random(worker);
            TransactionResult[] share = [.. results.Where((_, i) => Enumerable.Range(0, 3).Any(copy => (i + (copy * 3)) % Writers == worker))];
            random.Shuffle(share);
            foreach (TransactionResult[] part in share.Chunk(10))
            {
                WriteCounts written = await store.WriteAsync(Sample.Batch(part), Token);
                counts[worker] = new WriteCounts(
                    counts[worker].Written + written.Written, counts[worker].Repeats + written.Repeats,
                    counts[worker].Conflicts + written.Conflicts, counts[worker].Alerts + written.Alerts);
            }
        }));
        await writing.CancelAsync();
        List<Guid> followed = await reader;

        Assert.Equal(400, counts.Sum(count => count.Written));
        Assert.Equal(800, counts.Sum(count => count.Repeats));
        Assert.Equal(0, counts.Sum(count => count.Conflicts));
        Assert.Equal(100, counts.Sum(count => count.Alerts));
        Assert.Equal(400, await Fixture.CountRowsAsync("anomaly_transactions"));
        Assert.Equal(100, await Fixture.CountRowsAsync("alert_outbox"));
        Assert.Equal(400, followed.Count);
        Assert.Equal(results.Select(result => result.Id).ToHashSet(), [.. followed]);
    }

    [Fact]
    public async Task Of_workers_that_redrive_one_failure_one_scores_it()
    {
        TransactionResult[] failed = [.. Enumerable.Range(0, 20).Select(_ => Sample.Failed())];
        await WriteAsync(failed);

        WriteCounts[] counts = await Task.WhenAll(Enumerable.Range(0, Writers).Select(async worker =>
        {
            TransactionResult[] scored = [.. failed.Select(row => Sample.Anomaly(row.Id))];
            new Random(worker).Shuffle(scored);
            return await Fixture.Open().Scoring.WriteAsync(Sample.Batch(scored), Token);
        }));

        Assert.Equal(20, counts.Sum(count => count.Written));
        Assert.Equal(20, counts.Sum(count => count.Alerts));
        Assert.Equal(20, (await ReadFeedAsync(FeedCursor.Start)).Results.Count);
    }

    // The reader remembers only its cursor, and reads with every page size.
    private async Task<List<Guid>> FollowAsync(CancellationToken writing)
    {
        IResultsStore store = Fixture.Open().Results;
        var seen = new List<Guid>();
        FeedCursor cursor = FeedCursor.Start;
        for (int i = 0; ; i++)
        {
            bool last = writing.IsCancellationRequested;
            int limit = last ? 1000 : 1 + (i % 7);
            FeedPage? page = await store.ReadFeedAsync(cursor, limit, Token);
            seen.AddRange(page!.Results.Select(result => result.Id));
            cursor = page.Next;
            if (last)
            {
                return seen;
            }
        }
    }
}

public sealed class SqliteConcurrentWritersTests(SqliteFixture fixture) : ConcurrentWritersContract(fixture), IClassFixture<SqliteFixture>;

[Needs(Outside.SqlServer)]
public sealed class SqlServerConcurrentWritersTests(SqlServerFixture fixture) : ConcurrentWritersContract(fixture), IClassFixture<SqlServerFixture>;
