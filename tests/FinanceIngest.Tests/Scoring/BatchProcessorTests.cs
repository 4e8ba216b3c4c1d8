using FinanceIngest.Ground;
using FinanceIngest.Poison;
using FinanceIngest.Queueing;
using FinanceIngest.Results;
using FinanceIngest.Scoring;
using FinanceIngest.Tests.Support;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Scoring;

public sealed class BatchProcessorTests : IDisposable
{
    private readonly ScoringHarness _system = new();

    [Fact]
    public async Task A_batch_is_scored_with_one_load_and_one_write_and_its_messages_are_deleted()
    {
        await _system.AddBaselineAsync();
        Transaction normal = _system.Transaction(2500);
        Transaction anomaly = _system.Transaction(6000);
        Transaction unknown = _system.Transaction(1, userId: 400);
        await _system.SendAsync(normal, anomaly);
        await _system.SendAsync(unknown);

        Assert.Equal(2, await _system.ProcessAsync());

        Assert.Equal(1.0, (await _system.ResultAsync(normal.Id))!.ZScore);
        Assert.True((await _system.ResultAsync(anomaly.Id))!.IsAnomaly);
        Assert.Equal(ScoreReason.NoBaseline, (await _system.ResultAsync(unknown.Id))!.Reason);
        Assert.Equal((1, 1), (_system.Store.Loads, _system.Store.Writes));
        Assert.Equal(1, await _system.Outbox.CountUnsentAsync(default));

        // The queue holds nothing but the marker of the unsent alert.
        Assert.Equal(1, (await _system.Inbound.GetDepthAsync(default)).Length);
    }

    [Fact]
    public async Task Whoever_waits_is_handed_the_committed_rows_before_the_marker_is_on_the_queue()
    {
        await _system.AddBaselineAsync();
        var told = new List<IReadOnlyList<TransactionResult>?>();
        var queued = new List<long>();
        _system.Events.Written += rows =>
        {
            told.Add(rows);
            queued.Add(_system.Inbound.GetDepthAsync(default).Result.Length);
        };
        Transaction anomaly = _system.Transaction(6000);
        await _system.SendAsync(anomaly, _system.Transaction(2500));

        await _system.ProcessAsync();

        TransactionResult? row = await _system.ResultAsync(anomaly.Id);
        Assert.Equal(row, Assert.Single(told)![0]);
        Assert.Equal(2, told[0]!.Count);
        Assert.Equal([1], queued);
    }

    [Fact]
    public async Task Of_a_batch_with_a_repeat_no_rows_are_handed_over_since_the_first_result_stays()
    {
        var told = new List<IReadOnlyList<TransactionResult>?>();
        _system.Events.Written += told.Add;
        Transaction first = _system.Transaction(2500);
        await _system.SendAsync(first);
        await _system.ProcessAsync();
        await _system.SendAsync(first with { Amount = new Money(7 * Money.Scale) }, _system.Transaction(1));

        await _system.ProcessAsync();

        Assert.Equal(2, told.Count);
        Assert.Equal(first.Id, Assert.Single(told[0]!).Id);
        Assert.Null(told[1]);
    }

    [Fact]
    public async Task What_a_child_process_wrote_is_announced_without_its_rows()
    {
        var told = new List<IReadOnlyList<TransactionResult>?>();
        Transaction suspect = _system.Transaction(2500);
        await _system.SendAsync(suspect);
        for (int death = 0; death < BatchProcessor.SuspectAfter; death++)
        {
            await _system.ReceiveAndDieAsync();
        }

        _system.Events.Written += told.Add;
        await _system.ProcessAsync();

        Assert.NotNull(await _system.ResultAsync(suspect.Id));
        Assert.Contains(null, told);
    }

    [Fact]
    public async Task Redelivery_after_a_crash_between_commit_and_delete_changes_nothing()
    {
        await _system.AddBaselineAsync();
        Transaction anomaly = _system.Transaction(6000);
        await _system.SendAsync(anomaly);
        _system.Store.AfterWrite = _ => FaultingScoringStore.Outage;
        await Assert.ThrowsAsync<StoreUnavailableException>(_system.ProcessAsync);
        _system.Store.AfterWrite = _ => null;
        TransactionResult? first = await _system.ResultAsync(anomaly.Id);
        _system.Time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(1, await _system.ProcessAsync());

        Assert.Equal(first, await _system.ResultAsync(anomaly.Id));
        Assert.Equal(1, await _system.Outbox.CountUnsentAsync(default));
    }

    [Fact]
    public async Task During_an_outage_messages_are_given_back_and_no_number_of_tries_makes_them_poison()
    {
        Transaction transaction = _system.Transaction(1);
        await _system.SendAsync(transaction);
        _system.Store.OnLoad = FaultingScoringStore.Outage;
        for (int i = 0; i < 20; i++)
        {
            await Assert.ThrowsAsync<StoreUnavailableException>(_system.ProcessAsync);
        }

        _system.Store.OnLoad = null;
        await _system.ProcessAsync();

        Assert.Equal(TransactionStatus.Scored, (await _system.ResultAsync(transaction.Id))!.Status);
        Assert.Empty(await _system.PoisonStore.ListAsync(default));
    }

    [Fact]
    public async Task A_hundred_dead_workers_do_not_poison_a_healthy_message()
    {
        Transaction transaction = _system.Transaction(1);
        await _system.SendAsync(transaction);
        for (int i = 0; i < 100; i++)
        {
            await _system.ReceiveAndDieAsync();
        }

        await _system.ProcessAsync();

        Assert.Equal(TransactionStatus.Scored, (await _system.ResultAsync(transaction.Id))!.Status);
        Assert.Empty(await _system.PoisonStore.ListAsync(default));
    }

    [Fact]
    public async Task One_bad_transaction_takes_none_of_its_neighbours_along()
    {
        await _system.AddBaselineAsync();
        Transaction bad = _system.Transaction(13);
        Transaction[] good = [.. Enumerable.Range(1, 5).Select(i => _system.Transaction(2000 + i)), _system.Transaction(6000)];
        LeasedMessage message = await _system.SendAsync([good[0], bad, good[1], good[5]]);
        await _system.SendAsync(good[2], good[3]);
        await _system.SendAsync(good[4]);
        _system.Store.FailOnAmount(bad.Amount.Units);

        for (int attempt = 1; attempt <= FailedMessages.MaximumAttempts; attempt++)
        {
            await _system.ProcessAsync();
            Assert.All(good, transaction => Assert.Equal(TransactionStatus.Scored, _system.ResultAsync(transaction.Id).Result!.Status));
            _system.Time.Advance(TimeSpan.FromSeconds(Math.Pow(2, attempt)));
        }

        TransactionResult failed = (await _system.ResultAsync(bad.Id))!;
        Assert.Equal(TransactionStatus.Failed, failed.Status);
        Assert.Contains("this amount can't be written", failed.Error, StringComparison.Ordinal);
        PoisonMessage record = Assert.Single(await _system.PoisonStore.ListAsync(default));
        Assert.Equal(FailedMessages.MaximumAttempts, record.Attempts);
        Assert.Equal(message.Text, record.Body);
        Assert.StartsWith("00-4bf92f", record.TraceParent, StringComparison.Ordinal);
        Assert.Equal([message.Text], await ScoringHarness.TextsAsync(_system.Poison));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(117)]
    [InlineData(7168)]
    public async Task A_bad_transaction_among_thousands_is_found_by_halving(int position)
    {
        const int messages = 32;
        const int perMessage = 224;
        List<Transaction> transactions = [.. Enumerable.Range(1, messages * perMessage).Select(i => _system.Transaction(i))];
        foreach (Transaction[] some in transactions.Chunk(perMessage))
        {
            await _system.SendAsync(some);
        }

        _system.Store.FailOnAmount(position * (long)Money.Scale);
        await _system.ProcessAsync();

        // The search writes once for the batch, 2·log₂(32) times for messages and 2·log₂(224) times for transactions.
        Assert.InRange(_system.Store.Writes, 1, 1 + 10 + 16);
        Assert.Equal(_system.Store.Writes, _system.Store.Loads);
        FeedPage page = (await _system.Results.ReadFeedAsync(FeedCursor.Start, 10_000, default))!;
        Assert.Equal(transactions.Count - 1, page.Results.Count);
        Assert.DoesNotContain(transactions[position - 1].Id, page.Results.Select(result => result.Id));
        Assert.Equal(1, (await _system.Inbound.GetDepthAsync(default)).Length);
    }

    [Fact]
    public async Task What_is_unreadable_beside_a_bad_transaction_gets_its_row_and_its_record()
    {
        Transaction bad = _system.Transaction(13);
        Transaction good = _system.Transaction(14);
        Guid unreadable = _system.Ids.NewId();
        await _system.Inbound.SendAsync(
            $$"""{"v":1,"transactions":[{"id":"{{unreadable}}","user_id":0},{{Json(bad)}},{{Json(good)}}]}""", TimeSpan.Zero, default);
        _system.Store.FailOnAmount(bad.Amount.Units);

        await _system.ProcessAsync();

        Assert.Equal(TransactionStatus.Failed, (await _system.ResultAsync(unreadable))!.Status);
        Assert.Equal(TransactionStatus.Scored, (await _system.ResultAsync(good.Id))!.Status);
        Assert.Null(await _system.ResultAsync(bad.Id));

        static string Json(Transaction item) =>
            $$"""{"id":"{{item.Id}}","user_id":{{item.UserId}},"category_id":{{item.CategoryId}},"amount":{{item.Amount}}}""";
    }

    [Fact]
    public async Task Where_the_failed_row_cannot_be_written_either_it_says_nothing_but_that_it_failed()
    {
        Transaction bad = _system.Transaction(13);
        await _system.SendAsync(bad);
        _system.Store.BeforeWrite = batch => batch.Results.Any(result => result.Amount == bad.Amount)
            ? new ArithmeticException("this amount can't be written")
            : null;
        for (int attempt = 1; attempt <= FailedMessages.MaximumAttempts; attempt++)
        {
            await _system.ProcessAsync();
            _system.Time.Advance(TimeSpan.FromSeconds(Math.Pow(2, attempt)));
        }

        TransactionResult failed = (await _system.ResultAsync(bad.Id))!;
        Assert.Equal((TransactionStatus.Failed, null), (failed.Status, failed.Amount));
        Assert.Equal(0, (await _system.Inbound.GetDepthAsync(default)).Length);
    }

    [Fact]
    public async Task What_cannot_be_read_is_poison_at_once_and_verbatim()
    {
        string[] texts = ["not base64, not JSON", "{\"v\":2,\"transactions\":[]}", "{\"v\":1}", "{\"user_id\":1", "[]", "", "AAAA", "{\"hello\":1}"];
        foreach (string text in texts)
        {
            await _system.Inbound.SendAsync(text, TimeSpan.Zero, default);
        }

        await _system.ProcessAsync();

        Assert.Equal(texts.Order(), (await ScoringHarness.TextsAsync(_system.Poison)).Order());
        Assert.Equal(texts.Order(), (await _system.PoisonStore.ListAsync(default)).Select(record => record.Body).Order());
        Assert.Equal(0, (await _system.Inbound.GetDepthAsync(default)).Length);
        Assert.Empty((await _system.Results.ReadFeedAsync(FeedCursor.Start, 100, default))!.Results);
    }

    [Fact]
    public async Task An_older_producers_bare_object_is_scored_under_one_id_however_often_it_is_delivered()
    {
        await _system.AddBaselineAsync();
        await _system.Inbound.SendAsync("""{"user_id": 399, "category_id": 2310, "amount": 25000.5}""", TimeSpan.Zero, default);
        await _system.Inbound.SendAsync(MessageText.Encode("""{"user_id": 399, "category_id": 2310, "amount": 2500}"""), TimeSpan.Zero, default);
        _system.Store.AfterWrite = _ => FaultingScoringStore.Outage;
        await Assert.ThrowsAsync<StoreUnavailableException>(_system.ProcessAsync);
        _system.Store.AfterWrite = _ => null;

        await _system.ProcessAsync();

        IReadOnlyList<TransactionResult> results = (await _system.Results.ReadFeedAsync(FeedCursor.Start, 100, default))!.Results;
        Assert.Equal([46.001, 1.0], results.Select(result => result.ZScore!.Value).OrderDescending());
        Assert.All(results, result => Assert.True(_system.Ids.IsIssued(result.Id)));
        Assert.All(results, result => Assert.Equal(_system.Time.UtcNowMicroseconds(), result.AcceptedAt));
    }

    [Fact]
    public async Task An_id_that_was_never_issued_is_poison_without_a_row_and_its_neighbour_is_scored()
    {
        Transaction forged = _system.Transaction(1, Guid.NewGuid());
        Transaction good = _system.Transaction(2);
        await _system.SendAsync(forged, good);

        await _system.ProcessAsync();

        Assert.Null(await _system.ResultAsync(forged.Id));
        Assert.Equal(TransactionStatus.Scored, (await _system.ResultAsync(good.Id))!.Status);
        Assert.Contains("was not issued", Assert.Single(await _system.PoisonStore.ListAsync(default)).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_readable_id_with_unreadable_fields_becomes_failed_with_what_could_be_read()
    {
        Guid id = _system.Ids.NewId();
        await _system.Inbound.SendAsync($$"""{"v":1,"transactions":[{"id":"{{id}}","user_id":399,"category_id":"x","amount":1.5}]}""", TimeSpan.Zero, default);

        await _system.ProcessAsync();

        TransactionResult failed = (await _system.ResultAsync(id))!;
        Assert.Equal((TransactionStatus.Failed, 399L, null, new Money(15_000)), (failed.Status, failed.UserId, failed.CategoryId, failed.Amount));
        Assert.Contains("category_id must be an integer", failed.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task While_the_poison_queue_is_down_a_poison_message_stays_on_the_inbound_queue()
    {
        await _system.Inbound.SendAsync("rubbish!", TimeSpan.Zero, default);
        _system.Poison.IsDown = true;
        await Assert.ThrowsAsync<QueueUnavailableException>(_system.ProcessAsync);
        Assert.Equal(1, (await _system.Inbound.GetDepthAsync(default)).Length);
        _system.Poison.IsDown = false;

        await _system.ProcessAsync();

        Assert.Equal(["rubbish!"], await ScoringHarness.TextsAsync(_system.Poison));
        Assert.Single(await _system.PoisonStore.ListAsync(default));
        Assert.Equal(0, (await _system.Inbound.GetDepthAsync(default)).Length);
    }

    [Fact]
    public async Task A_repeat_that_differs_is_counted_and_the_first_stays()
    {
        Guid id = _system.Ids.ForIdempotencyKey(399, "order-1");
        await _system.SendAsync(_system.Transaction(1, id), _system.Transaction(2, id));

        await _system.ProcessAsync();

        Assert.Equal(new Money(Money.Scale), (await _system.ResultAsync(id))!.Amount);
        Assert.Single((await _system.Results.ReadFeedAsync(FeedCursor.Start, 100, default))!.Results);
    }

    [Fact]
    public async Task A_message_whose_transactions_all_succeed_alone_is_settled_and_not_counted()
    {
        Transaction[] transactions = [_system.Transaction(1), _system.Transaction(2)];
        await _system.SendAsync(transactions);
        _system.Store.BeforeWrite = batch => batch.Results.Count > 1 ? new ArithmeticException("not together") : null;

        await _system.ProcessAsync();

        Assert.All(transactions, transaction => Assert.Equal(TransactionStatus.Scored, _system.ResultAsync(transaction.Id).Result!.Status));
        Assert.Equal(0, (await _system.Inbound.GetDepthAsync(default)).Length);
        Assert.Equal(1, await _system.PoisonStore.CountAttemptAsync("another", "", default));
    }

    public void Dispose() => _system.Dispose();
}
