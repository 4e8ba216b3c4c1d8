using System.Text;
using FinanceIngest.Ground;
using FinanceIngest.Poison;
using FinanceIngest.Queueing;
using FinanceIngest.Queueing.AzureStorage;
using FinanceIngest.Results;
using FinanceIngest.Retention;
using FinanceIngest.Tests.Cli;
using FinanceIngest.Tests.Queueing;
using FinanceIngest.Tests.Support;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Retention;

public sealed class UserErasureTests : IDisposable
{
    private readonly ScoringHarness _system = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_message_that_holds_nothing_else_goes_with_its_copies_and_its_rows()
    {
        Guid id = _system.Ids.NewId();
        await PoisonAsync(Envelope($$"""{"id":"{{id}}","user_id":399,"category_id":0,"amount":1}"""));
        await _system.Poison.SendAsync(Envelope("""{"user_id":"399"}"""), TimeSpan.Zero, Token);

        ErasureOutcome outcome = await EraseAsync();

        Assert.Equal((1, 0, 0L), (outcome.Poison.Removed, outcome.Poison.Rewritten, outcome.Poison.OutOfReach));
        Assert.Empty(await _system.PoisonStore.ListAsync(Token));
        Assert.Equal(0, (await _system.Poison.GetDepthAsync(Token)).Length);
        Assert.Equal(TransactionStatus.Purged, (await _system.ResultAsync(id))!.Status);
    }

    [Fact]
    public async Task A_message_of_several_people_keeps_what_others_have_in_it()
    {
        Guid mine = _system.Ids.NewId();
        Guid theirs = _system.Ids.NewId();
        string other = $$"""{"id":"{{theirs}}","user_id":400,"category_id":0,"amount":1.10}""";
        await PoisonAsync(Envelope($$"""{"id":"{{mine}}","user_id":399,"category_id":0,"amount":1}""", other, "null"));

        ErasureOutcome outcome = await EraseAsync();

        Assert.Equal((0, 1), (outcome.Poison.Removed, outcome.Poison.Rewritten));
        PoisonMessage record = Assert.Single(await _system.PoisonStore.ListAsync(Token));
        Assert.Equal($$"""{"v":1,"traceparent":"t","transactions":[{{other}},null]}""", Decoded(record.Body));
        Assert.Equal([record.Body], await ScoringHarness.TextsAsync(_system.Poison));
        Assert.Equal(TransactionStatus.Purged, (await _system.ResultAsync(mine))!.Status);
        Assert.Equal(TransactionStatus.Failed, (await _system.ResultAsync(theirs))!.Status);
    }

    [Fact]
    public async Task What_remains_stays_as_it_was_written_also_where_it_is_no_unicode()
    {
        const string other = """{"\udc00":4, "caf\u00e9":"\/\ud800","user_id" : 4e2}""";
        LeasedMessage sent = await PoisonAsync(Envelope("""{"user_id":399}""", other));

        ErasureOutcome outcome = await EraseAsync();

        Assert.Equal((0, 1), (outcome.Poison.Removed, outcome.Poison.Rewritten));
        Guid id = _system.Ids.ForMessage(_system.Inbound.Name, sent.Id, 1);
        string expected = $$"""{"v":1,"traceparent":"t","transactions":[{"id":"{{id}}","\udc00":4,"caf\u00e9":"\/\ud800","user_id":4e2}]}""";
        Assert.Equal(expected, Decoded(Assert.Single(await _system.PoisonStore.ListAsync(Token)).Body));
    }

    [Fact]
    public async Task Transactions_without_an_id_keep_the_id_of_their_failed_row_when_their_place_changes()
    {
        LeasedMessage sent = await PoisonAsync(Envelope("""{"user_id":399,"amount":1}""", """{"user_id":400,"amount":2}"""));
        Guid mine = _system.Ids.ForMessage(_system.Inbound.Name, sent.Id, 0);
        Guid theirs = _system.Ids.ForMessage(_system.Inbound.Name, sent.Id, 1);

        await EraseAsync();

        string text = Assert.Single(await ScoringHarness.TextsAsync(_system.Poison));
        Assert.Contains($$"""[{"id":"{{theirs}}","user_id":400,"amount":2}]""", Decoded(text), StringComparison.Ordinal);
        Assert.Equal(TransactionStatus.Purged, (await _system.ResultAsync(mine))!.Status);
    }

    [Fact]
    public async Task A_row_whose_user_could_not_be_read_is_known_by_its_message()
    {
        Guid id = _system.Ids.NewId();
        await PoisonAsync(Envelope($$"""{"id":"{{id}}","user_id":"399","category_id":1,"amount":1,"user_id":3.99e2}"""));
        Assert.Null((await _system.ResultAsync(id))!.UserId);

        await EraseAsync();

        Assert.Equal(TransactionStatus.Purged, (await _system.ResultAsync(id))!.Status);
    }

    [Fact]
    public async Task What_can_not_be_read_and_may_concern_the_person_is_pointed_out()
    {
        LeasedMessage suspect = await PoisonAsync("""{"user_id": 399, "amount": """);
        await PoisonAsync("somebody's text");

        ErasureOutcome outcome = await EraseAsync();

        Assert.Equal([suspect.Id], outcome.Poison.Suspect);
        Assert.Equal(2, (await _system.PoisonStore.ListAsync(Token)).Count);
    }

    [Fact]
    public async Task What_waits_on_the_inbound_queue_is_counted_and_goes_with_the_next_erasure()
    {
        await _system.AddBaselineAsync();
        Transaction anomaly = _system.Transaction(6000);
        await _system.SendAsync(anomaly);

        Assert.Equal(1, (await EraseAsync()).InboundMessages);
        await _system.ProcessAsync();
        ErasureOutcome again = await EraseAsync();

        Assert.Equal(TransactionStatus.Purged, (await _system.ResultAsync(anomaly.Id))!.Status);
        Assert.Equal(1, again.Rows.Transactions);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_crash_at_any_step_leaves_nothing_that_a_repeat_does_not_finish(bool afterwards)
    {
        for (int step = 1; await CrashAndRepeatAsync(step, afterwards); step++)
        {
            Assert.True(step < 50, "The erasure never ends.");
        }
    }

    [Fact]
    public async Task Retention_drops_poison_messages_with_their_copies_and_copies_without_a_record()
    {
        await PoisonAsync("old");
        await _system.Poison.SendAsync("old and without a record", TimeSpan.Zero, Token);
        _system.Time.Advance(TimeSpan.FromDays(2));
        await PoisonAsync("young");
        await _system.Poison.SendAsync("young and without a record", TimeSpan.Zero, Token);
        var purge = new RetentionPurge(_system.Retention, new PoisonOperations(_system.PoisonStore, _system.Queues, _system.Ids), _system.Time);

        PurgeOutcome outcome = await purge.PurgeAsync(1, Token);

        Assert.Equal((1, 1, 0L), (outcome.Poison.Done.Count, outcome.Poison.DoneWithoutRecord, outcome.Poison.OutOfReach));
        Assert.Equal(["young"], (await _system.PoisonStore.ListAsync(Token)).Select(record => record.Body));
        Assert.Equal(["young", "young and without a record"], (await ScoringHarness.TextsAsync(_system.Poison)).Order());
    }

    [Theory]
    [InlineData(true, false, 1000)]
    [InlineData(true, true, 1000)]
    [InlineData(false, false, 1400)]
    [InlineData(false, true, 1400)]
    public async Task What_remains_with_its_ids_is_held_in_as_many_messages_as_it_needs(bool isBase64, bool isBare, int count)
    {
        LeasedMessage sent = await PoisonAsync(Many(isBase64, isBare, count));

        ErasureOutcome outcome = await EraseAsync();

        Assert.Equal((0, 1), (outcome.Poison.Removed, outcome.Poison.Rewritten));
        IReadOnlyList<PoisonMessage> records = await _system.PoisonStore.ListAsync(Token);
        Assert.True(records.Count > 1);
        Assert.Contains(records, record => record.MessageId == sent.Id);
        Assert.Equal(records.Select(record => record.Body).Order(), (await ScoringHarness.TextsAsync(_system.Poison)).Order());
        Assert.Empty((await EraseAsync()).Poison.Suspect);

        // Every record is put back, and each transaction has the id that it had by its place in the first message.
        PoisonOutcome redriven = await new PoisonOperations(_system.PoisonStore, _system.Queues, _system.Ids).RedriveAllAsync(Token);
        Assert.Equal((records.Count, 0), (redriven.Done.Count, redriven.Refused.Count));
        await _system.ProcessAsync();
        await AssertAllButTheFirstAreScoredAsync(sent.Id, count);
    }

    [Theory]
    [InlineData(true, false, 1000)]
    [InlineData(true, true, 1000)]
    [InlineData(false, true, 1400)]
    public async Task What_waits_and_remains_with_its_ids_is_held_in_as_many_messages_as_it_needs(bool isBase64, bool isBare, int count)
    {
        LeasedMessage sent = await _system.Inbound.SendAsync(Many(isBase64, isBare, count, amount: "1"), TimeSpan.Zero, Token);
        Queues queues = _system.Queues with { Inbound = _system.Inbound.Behind };

        ErasureOutcome outcome =
            await new UserErasure(_system.Retention, new PoisonErasure(_system.PoisonStore, queues, _system.Ids), queues).EraseAsync(399, Token);

        Assert.Equal((1L, 0L), (outcome.WaitingTransactions, outcome.InboundMessages));
        Assert.True((await _system.Inbound.GetDepthAsync(Token)).Length > 1);
        Assert.Equal(count - 1, (await queues.Inbound.CountTransactionsAsync(Token))!.Value.Count);
        await _system.ProcessAsync();
        await AssertAllButTheFirstAreScoredAsync(sent.Id, count);
        Assert.Empty(await _system.PoisonStore.ListAsync(Token));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_item_too_long_for_its_id_stays_in_its_place_and_keeps_its_message(bool isBase64)
    {
        int limit = isBase64 ? MessageText.MaximumJsonLength : MessageText.MaximumLength;
        const string mine = """{"user_id":399}""";
        const string theirs = """{"user_id":400,"category_id":1,"amount":1,"note":""}""";
        string json = $"[{mine},{theirs.Insert(theirs.Length - 2, new string('x', limit - mine.Length - theirs.Length - 3))}]";
        LeasedMessage sent = await PoisonAsync(isBase64 ? Encoded(json) : json);

        ErasureOutcome outcome = await EraseAsync();

        Assert.Equal((0, 1), (outcome.Poison.Removed, outcome.Poison.Rewritten));
        PoisonMessage record = Assert.Single(await _system.PoisonStore.ListAsync(Token));
        Assert.Equal(json.Replace(mine, "0", StringComparison.Ordinal), isBase64 || !record.Body.StartsWith('[') ? Decoded(record.Body) : record.Body);
        Assert.Equal([record.Body], await ScoringHarness.TextsAsync(_system.Poison));
        Assert.Equal(TransactionStatus.Purged, (await _system.ResultAsync(_system.Ids.ForMessage(_system.Inbound.Name, sent.Id, 0)))!.Status);
        Assert.Equal(400, (await _system.ResultAsync(_system.Ids.ForMessage(_system.Inbound.Name, sent.Id, 1)))!.UserId);
    }

    [Fact]
    public async Task On_an_azure_queue_what_remains_is_held_in_several_messages_too()
    {
        LeasedMessage sent = await PoisonAsync(Many(isBase64: true, isBare: false, 1000));
        var azure = new AzureMessageQueue(new FakeQueueClient(), new DependencyStatus("queue"));
        await azure.SendAsync(Assert.Single(await ScoringHarness.TextsAsync(_system.Poison)), TimeSpan.Zero, Token);
        Queues queues = new(_system.Inbound, azure, _system.Alerts);

        PoisonErasureOutcome outcome = await new PoisonErasure(_system.PoisonStore, queues, _system.Ids).EraseAsync(399, _ => Task.CompletedTask, Token);

        Assert.Equal((0, 1, 0L), (outcome.Removed, outcome.Rewritten, outcome.OutOfReach));
        IReadOnlyList<PoisonMessage> records = await _system.PoisonStore.ListAsync(Token);
        Assert.True(records.Count > 1);
        Assert.Equal(records.Select(record => record.Body).Order(), (await azure.PeekAsync(32, Token)).Order());
        Assert.Contains(_system.Ids.ForMessage(_system.Inbound.Name, sent.Id, 999).ToString(), Decoded(records[^1].Body), StringComparison.Ordinal);
    }

    public void Dispose() => _system.Dispose();

    // The person's item comes first and makes the message poison; the ids of all others derive from their places.
    private static string Many(bool isBase64, bool isBare, int count, string amount = "\"?\"")
    {
        string mine = $$"""{"user_id":399,"category_id":1,"amount":{{amount}}}""";
        string[] items = [mine, .. Enumerable.Repeat("""{"user_id":4,"category_id":1,"amount":1}""", count - 1)];
        string list = $"[{string.Join(',', items)}]";
        string json = isBare ? list : $$"""{"v":1,"transactions":{{list}}}""";
        return isBase64 ? Encoded(json) : json;
    }

    private async Task AssertAllButTheFirstAreScoredAsync(string messageId, int count)
    {
        Guid[] ids = [.. Enumerable.Range(0, count).Select(index => _system.Ids.ForMessage(_system.Inbound.Name, messageId, index))];
        IReadOnlyList<TransactionResult> first = await _system.Results.GetAsync(ids[..1000], Token);
        IReadOnlyList<TransactionResult> results = [.. first, .. await _system.Results.GetAsync(ids[1000..], Token)];
        Assert.Equal(count, results.Count);
        Assert.Equal(TransactionStatus.Purged, results.Single(result => result.Id == ids[0]).Status);
        Assert.All(results.Where(result => result.Id != ids[0]), result => Assert.Equal(TransactionStatus.Scored, result.Status));
    }

    private static string Encoded(string json) => MessageText.Encode(json);

    private static async Task<bool> CrashAndRepeatAsync(int step, bool afterwards)
    {
        using var test = new UserErasureTests();
        ScoringHarness system = test._system;
        Guid[] ids = [system.Ids.NewId(), system.Ids.NewId(), system.Ids.NewId()];
        await test.PoisonAsync(Envelope($$"""{"id":"{{ids[0]}}","user_id":"399"}"""));
        await test.PoisonAsync(Envelope($$"""{"id":"{{ids[1]}}","user_id":399}""", $$"""{"id":"{{ids[2]}}","user_id":400}"""));
        var crash = new Crash(step, afterwards);
        Queues queues = new(system.Inbound, new CrashingQueue(system.Poison, crash), system.Alerts);
        var erasure = new UserErasure(system.Retention, new PoisonErasure(new CrashingPoisonStore(system.PoisonStore, crash), queues, system.Ids), queues);

        await erasure.EraseAsync(399, Token).ContinueWith(_ => { }, Token, TaskContinuationOptions.None, TaskScheduler.Default);
        system.Time.Advance(TimeSpan.FromMinutes(5));
        await test.EraseAsync();

        PoisonMessage record = Assert.Single(await system.PoisonStore.ListAsync(Token));
        Assert.DoesNotContain("\"user_id\":399", Decoded(record.Body), StringComparison.Ordinal);
        Assert.Contains(ids[2].ToString(), Decoded(record.Body), StringComparison.Ordinal);

        // A crash may leave the copy on the queue twice, but no copy may hold data of the erased person.
        Assert.Equal([record.Body], (await ScoringHarness.TextsAsync(system.Poison)).Distinct());
        Assert.Equal(
            [TransactionStatus.Purged, TransactionStatus.Purged, TransactionStatus.Failed],
            await Task.WhenAll(ids.Select(async id => (await system.ResultAsync(id))!.Status)));
        return crash.Happened;
    }

    private static string Envelope(params string[] transactions) =>
        MessageText.Encode($$"""{"v":1,"traceparent":"t","transactions":[{{string.Join(',', transactions)}}]}""");

    private static string Decoded(string text) => Encoding.UTF8.GetString(Convert.FromBase64String(text));

    private Task<ErasureOutcome> EraseAsync() =>
        new UserErasure(_system.Retention, new PoisonErasure(_system.PoisonStore, _system.Queues, _system.Ids), _system.Queues).EraseAsync(399, Token);

    /// <summary>Sends a text that the reader can read only in part, so that the worker gives the message up at once.</summary>
    private async Task<LeasedMessage> PoisonAsync(string text)
    {
        LeasedMessage sent = await _system.Inbound.SendAsync(text, TimeSpan.Zero, Token);
        await _system.ProcessAsync();
        Assert.Contains(await _system.PoisonStore.ListAsync(Token), record => record.MessageId == sent.Id);
        return sent;
    }
}
