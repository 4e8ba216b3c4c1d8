using FinanceIngest.Poison;
using FinanceIngest.Results;
using FinanceIngest.Scoring;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Storage;

public abstract class PoisonStoreContract(StoreFixture fixture) : StoreContract(fixture)
{
    [Fact]
    public async Task Messages_are_listed_oldest_first_as_they_were_written()
    {
        PoisonMessage[] messages =
        [
            Sample.Poison("b") with { FailedAt = Sample.Noon.AddTicks(20) },
            Sample.Poison("c"),
            Sample.Poison("a") with { Exception = null, TraceParent = null, Attempts = 0, Body = "", Reason = new string('r', 5000) },
        ];

        await AddAsync(messages);

        Assert.Equal([messages[2], messages[1], messages[0]], await Stores.Poison.ListAsync(Token));
    }

    [Fact]
    public async Task A_long_body_is_kept_verbatim()
    {
        string body = string.Concat(Enumerable.Range(0, 20_000).Select(i => $"{i}\n\t'\"é💸"));

        await AddAsync(Sample.Poison("long") with { Body = body });

        Assert.Equal(body, Assert.Single(await Stores.Poison.ListAsync(Token)).Body);
    }

    [Fact]
    public async Task The_first_record_of_a_message_stays()
    {
        await AddAsync(Sample.Poison("a"));
        await AddAsync(Sample.Poison("a") with { Reason = "another" });

        Assert.Equal([Sample.Poison("a")], await Stores.Poison.ListAsync(Token));
    }

    [Fact]
    public async Task A_removed_message_is_gone_with_its_attempts()
    {
        await AddAsync(Sample.Poison("a"), Sample.Poison("b"));
        await Stores.Poison.CountAttemptAsync("a", "x", Token);

        Assert.True(await Stores.Poison.RemoveAsync("a", Token));
        Assert.False(await Stores.Poison.RemoveAsync("a", Token));
        Assert.False(await Stores.Poison.RemoveAsync("never", Token));

        Assert.Equal(["b"], (await Stores.Poison.ListAsync(Token)).Select(message => message.MessageId));
        Assert.Equal(1, await Stores.Poison.CountAttemptAsync("a", "x", Token));
    }

    [Fact]
    public async Task Attempts_without_a_record_are_removed_too()
    {
        await Stores.Poison.CountAttemptAsync("a", "x", Token);

        Assert.False(await Stores.Poison.RemoveAsync("a", Token));

        Assert.Equal(0, await Fixture.CountRowsAsync("message_attempts"));
    }

    [Fact]
    public async Task Attempts_are_counted_per_message()
    {
        Assert.Equal(1, await Stores.Poison.CountAttemptAsync("a", "x", Token));
        Assert.Equal(2, await Stores.Poison.CountAttemptAsync("a", new string('y', 9000), Token));
        Assert.Equal(1, await Stores.Poison.CountAttemptAsync("b", "x", Token));
        Assert.Equal(3, await Stores.Poison.CountAttemptAsync("a", "z", Token));
        Assert.Equal(2, await Fixture.CountRowsAsync("message_attempts"));
    }

    [Fact]
    public async Task A_record_gets_another_body_and_forgets_its_exception()
    {
        await AddAsync(Sample.Poison("a"), Sample.Poison("b"));

        Assert.True(await Stores.Poison.ReplaceBodyAsync("a", ["ключ 💸"], Token));
        Assert.False(await Stores.Poison.ReplaceBodyAsync("c", ["", "further"], Token));

        Assert.Equal([Sample.Poison("a") with { Body = "ключ 💸", Exception = null }, Sample.Poison("b")], await Stores.Poison.ListAsync(Token));
    }

    [Fact]
    public async Task Parts_of_a_record_become_records_that_say_the_same_under_ids_of_their_own()
    {
        await AddAsync(Sample.Poison("a"), Sample.Poison("b"));

        Assert.True(await Stores.Poison.ReplaceBodyAsync("a", ["one", "two", "three"], Token));

        IReadOnlyList<PoisonMessage> records = await Stores.Poison.ListAsync(Token);
        Assert.Equal(
            [Sample.Poison("b"), .. new[] { "one", "three", "two" }.Select(body => Sample.Poison("a") with { Body = body, Exception = null })],
            records.Select(record => record.Body is "two" or "three" ? record with { MessageId = "a" } : record)
                .OrderBy(record => record.MessageId == "a").ThenBy(record => record.Body, StringComparer.Ordinal));
        Assert.Equal(4, records.Select(record => record.MessageId).Distinct().Count());
    }

    [Fact]
    public async Task Attempts_counted_at_once_are_all_counted()
    {
        int[] counts = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Fixture.Open().Poison.CountAttemptAsync("a", "x", Token)));

        Assert.Equal(Enumerable.Range(1, 8), counts.Order());
    }

    [Fact]
    public async Task Pages_hold_every_message_once_in_order_also_where_many_failed_at_one_time()
    {
        PoisonMessage[] messages =
        [
            .. Enumerable.Range(0, 40).Select(i => Sample.Poison($"{i:D2}") with { FailedAt = Sample.Noon.AddTicks(10 * (i / 7)) }),
        ];
        await AddAsync([.. messages.Reverse()]);

        List<string> ids = [];
        List<PoisonMessage> read = [];
        PoisonPlace? after = null;
        while (await Stores.Poison.ListPageAsync(after, 3, Token) is { Count: > 0 } page)
        {
            Assert.InRange(page.Count, 1, 3);
            ids.AddRange(page.Select(summary => summary.MessageId));
            IReadOnlyList<PoisonMessage> whole = await Stores.Poison.ReadPageAsync(after, 3, Token);
            Assert.Equal(page.Select(summary => summary.MessageId), whole.Select(message => message.MessageId));
            read.AddRange(whole);
            after = page[^1].Place;
        }

        Assert.Equal(messages.Select(message => message.MessageId), ids);
        Assert.Equal(messages, read);
    }

    [Fact]
    public async Task A_summary_has_the_beginning_of_a_long_reason_and_none_of_the_texts()
    {
        PoisonMessage message = Sample.Poison("a") with { Reason = new string('r', 214_550), Body = new string('b', 60_000) };
        await AddAsync(message, Sample.Poison("b") with { Reason = new string('r', PoisonSummary.MaximumReason) });

        IReadOnlyList<PoisonSummary> page = await Stores.Poison.ListPageAsync(null, 10, Token);

        Assert.Equal(
            new PoisonSummary("a", new string('r', 299) + "…", message.Attempts, message.TraceParent, message.InsertedAt, message.FailedAt), page[0]);
        Assert.Equal(new string('r', PoisonSummary.MaximumReason), page[1].Reason);
        Assert.Equal(message, await Stores.Poison.FindAsync("a", Token));
        Assert.Null(await Stores.Poison.FindAsync("never", Token));
    }

    private Task<WriteCounts> AddAsync(params PoisonMessage[] messages) => Stores.Scoring.WriteAsync(new ScoredBatch([], [], messages), Token);
}

public sealed class SqlitePoisonStoreTests(SqliteFixture fixture) : PoisonStoreContract(fixture), IClassFixture<SqliteFixture>;

[Needs(Outside.SqlServer)]
public sealed class SqlServerPoisonStoreTests(SqlServerFixture fixture) : PoisonStoreContract(fixture), IClassFixture<SqlServerFixture>;
