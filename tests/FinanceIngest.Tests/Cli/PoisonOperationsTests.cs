using FinanceIngest.Poison;
using FinanceIngest.Queueing;
using FinanceIngest.Results;
using FinanceIngest.Scoring;
using FinanceIngest.Tests.Support;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Cli;

public sealed class PoisonOperationsTests : IDisposable
{
    private const long BadUnits = 13 * Money.Scale;
    private const string BareObject = """{"user_id": 399, "category_id": 2310, "amount": 13}""";
    private readonly ScoringHarness _system = new();
    private readonly PoisonOperations _poison;

    public PoisonOperationsTests() => _poison = new PoisonOperations(_system.PoisonStore, _system.Queues, _system.Ids);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_redriven_failed_row_becomes_scored_under_its_id_and_gets_a_new_place_in_the_feed()
    {
        Transaction transaction = _system.Transaction(13);
        await PoisonAsync(() => _system.SendAsync(transaction));
        FeedPage before = (await _system.Results.ReadFeedAsync(FeedCursor.Start, 10, Token))!;
        Assert.Equal(TransactionStatus.Failed, Assert.Single(before.Results).Status);

        PoisonOutcome outcome = await _poison.RedriveAsync([await OnlyIdAsync()], Token);
        await _system.ProcessAsync();

        Assert.Single(outcome.Done);
        await AssertNothingIsPoisonAsync();
        TransactionResult after = Assert.Single((await _system.Results.ReadFeedAsync(before.Next, 10, Token))!.Results);
        Assert.Equal((transaction.Id, TransactionStatus.Scored, transaction.AcceptedAt), (after.Id, after.Status, after.AcceptedAt));
    }

    [Fact]
    public async Task One_is_redriven_and_the_others_stay_with_their_copies()
    {
        await PoisonAsync(() => _system.SendAsync(_system.Transaction(13)));
        string first = await OnlyIdAsync();
        await PoisonAsync(() => _system.SendAsync(_system.Transaction(13)));

        PoisonOutcome outcome = await _poison.RedriveAsync([first, "nonsense", "nonsense"], Token);

        Assert.Equal([first], outcome.Done);
        Assert.Equal(["nonsense"], outcome.Unknown);
        PoisonMessage other = Assert.Single(await _system.PoisonStore.ListAsync(Token));
        Assert.Equal([other.Body], await ScoringHarness.TextsAsync(_system.Poison));
    }

    [Fact]
    public async Task All_are_redriven_and_what_has_no_record_too()
    {
        await PoisonAsync(() => _system.SendAsync(_system.Transaction(13)));
        await PoisonAsync(() => _system.SendAsync(_system.Transaction(13)));
        Transaction unrecorded = _system.Transaction(7);
        var envelope = new EnvelopeBuilder(null);
        envelope.TryAdd(unrecorded);
        await _system.Poison.SendAsync(envelope.ToBody(), TimeSpan.Zero, Token);

        PoisonOutcome outcome = await _poison.RedriveAllAsync(Token);
        await _system.ProcessAsync();

        Assert.Equal((2, 1), (outcome.Done.Count, outcome.DoneWithoutRecord));
        await AssertNothingIsPoisonAsync();
        Assert.Equal(TransactionStatus.Scored, (await _system.ResultAsync(unrecorded.Id))!.Status);
    }

    [Fact]
    public async Task A_redrive_of_some_leaves_what_has_no_record_alone()
    {
        await PoisonAsync(() => _system.SendAsync(_system.Transaction(13)));
        await _system.Poison.SendAsync("somebody's text", TimeSpan.Zero, Token);

        await _poison.RedriveAsync([await OnlyIdAsync()], Token);

        Assert.Equal(["somebody's text"], await ScoringHarness.TextsAsync(_system.Poison));
    }

    [Fact]
    public async Task The_older_systems_bare_object_is_redriven_under_the_id_of_its_failed_row()
    {
        LeasedMessage sent = await PoisonAsync(() => _system.Inbound.SendAsync(BareObject, TimeSpan.Zero, Token));
        Guid id = _system.Ids.ForMessage(_system.Inbound.Name, sent.Id, 0);
        TransactionResult failed = (await _system.ResultAsync(id))!;

        await _poison.RedriveAllAsync(Token);
        await _system.ProcessAsync();

        TransactionResult scored = (await _system.ResultAsync(id))!;
        Assert.Equal((TransactionStatus.Scored, failed.AcceptedAt, failed.OccurredAt), (scored.Status, scored.AcceptedAt, scored.OccurredAt));
        Assert.Equal(2, (await _system.Results.ReadFeedAsync(FeedCursor.Start, 10, Token))!.Next.Position);
        await AssertNothingIsPoisonAsync();
    }

    [Fact]
    public async Task More_transactions_without_ids_than_fit_beside_their_ids_go_back_in_several_messages()
    {
        string text = $$"""{"v":1,"transactions":[{{string.Join(',', Enumerable.Repeat("""{"user_id":1,"category_id":1,"amount":13}""", 700))}}]}""";
        LeasedMessage sent = await PoisonAsync(() => _system.Inbound.SendAsync(text, TimeSpan.Zero, Token));

        await _poison.RedriveAllAsync(Token);

        Assert.True((await _system.Inbound.GetDepthAsync(Token)).Length > 1);
        await _system.ProcessAsync();
        Guid[] ids = [.. Enumerable.Range(0, 700).Select(index => _system.Ids.ForMessage(_system.Inbound.Name, sent.Id, index))];
        Assert.All(await _system.Results.GetAsync(ids, Token), result => Assert.Equal(TransactionStatus.Scored, result.Status));
    }

    [Fact]
    public async Task Without_ids_and_still_unreadable_a_message_stays_because_it_would_only_make_another_failed_row()
    {
        await _system.Inbound.SendAsync("""{"user_id": 399, "category_id": 2310, "amount": "much"}""", TimeSpan.Zero, Token);
        await _system.ProcessAsync();

        PoisonOutcome outcome = await _poison.RedriveAllAsync(Token);

        Assert.Contains("amount", Assert.Single(outcome.Refused).Reason, StringComparison.Ordinal);
        Assert.Single(await _poison.ListAsync(Token));
        Assert.Single(await ScoringHarness.TextsAsync(_system.Poison));
        Assert.Equal(0, (await _system.Inbound.GetDepthAsync(Token)).Length);
    }

    [Fact]
    public async Task What_still_can_not_be_read_stays_under_its_id_however_often_it_is_redriven()
    {
        await _system.Inbound.SendAsync("not JSON at all", TimeSpan.Zero, Token);
        await _system.SendAsync(_system.Transaction(1, Guid.NewGuid()));
        await _system.ProcessAsync();
        IReadOnlyList<PoisonSummary> before = await _poison.ListAsync(Token);

        for (int attempt = 0; attempt < 3; attempt++)
        {
            PoisonOutcome outcome = await _poison.RedriveAllAsync(Token);
            await _system.ProcessAsync();
            Assert.Equal(2, outcome.Refused.Count);
            Assert.All(outcome.Refused, refusal => Assert.StartsWith("it still can't be read (", refusal.Reason, StringComparison.Ordinal));
        }

        Assert.Equal(before, await _poison.ListAsync(Token));
        Assert.Equal(2, (await _system.Poison.GetDepthAsync(Token)).Length);
    }

    [Fact]
    public async Task Copies_of_a_text_that_another_record_has_too_go_with_the_last_record()
    {
        await PoisonAsync(() => _system.Inbound.SendAsync(BareObject, TimeSpan.Zero, Token));
        await PoisonAsync(() => _system.Inbound.SendAsync(BareObject, TimeSpan.Zero, Token));
        string[] ids = [.. (await _poison.ListAsync(Token)).Select(message => message.MessageId)];

        await _poison.RedriveAsync([ids[0]], Token);
        Assert.Equal(2, (await _system.Poison.GetDepthAsync(Token)).Length);
        await _poison.RedriveAsync([ids[1]], Token);

        Assert.Equal(2, await _system.ProcessAsync());
        await AssertNothingIsPoisonAsync();
        FeedPage feed = (await _system.Results.ReadFeedAsync(FeedCursor.Start, 10, Token))!;
        Assert.Equal(2, feed.Results.Count);
        Assert.All(feed.Results, result => Assert.Equal(TransactionStatus.Scored, result.Status));
    }

    [Fact]
    public async Task A_message_that_fails_again_at_once_keeps_its_new_record_and_a_copy()
    {
        await PoisonAsync(() => _system.Inbound.SendAsync(BareObject, TimeSpan.Zero, Token));
        string first = await OnlyIdAsync();
        var scorerAtWork = new QueueThatIsDrained(_system.Inbound, FailUntilGivenUpAsync);

        var operations = new PoisonOperations(_system.PoisonStore, _system.Queues with { Inbound = scorerAtWork }, _system.Ids);
        PoisonOutcome outcome = await operations.RedriveAllAsync(Token);

        Assert.Equal([first], outcome.Done);
        string second = await OnlyIdAsync();
        Assert.NotEqual(first, second);
        PoisonMessage again = (await _poison.FindAsync(second, Token))!;
        Assert.Contains(again.Body, await ScoringHarness.TextsAsync(_system.Poison));
    }

    [Fact]
    public async Task Records_stay_while_another_process_holds_messages_that_may_be_their_copies()
    {
        await PoisonAsync(() => _system.Inbound.SendAsync(BareObject, TimeSpan.Zero, Token));
        string id = await OnlyIdAsync();
        await _system.Poison.ReceiveAsync(32, TimeSpan.FromMinutes(5), Token);

        PoisonOutcome first = await _poison.RedriveAsync([id], Token);
        Assert.Equal((1, 0), (first.OutOfReach, first.Done.Count));
        Assert.Equal([id], first.Unfinished);
        _system.Time.Advance(TimeSpan.FromMinutes(5));
        PoisonOutcome second = await _poison.RedriveAsync([id], Token);

        Assert.Equal([id], second.Done);
        await _system.ProcessAsync();
        await AssertNothingIsPoisonAsync();
        Assert.Equal(TransactionStatus.Scored, Assert.Single((await _system.Results.ReadFeedAsync(FeedCursor.Start, 10, Token))!.Results).Status);
    }

    [Fact]
    public async Task Dropped_messages_are_gone_and_their_failed_rows_stay()
    {
        Transaction transaction = _system.Transaction(13);
        await PoisonAsync(() => _system.SendAsync(transaction));

        PoisonOutcome outcome = await _poison.DropAsync([await OnlyIdAsync(), "nonsense"], Token);

        Assert.Single(outcome.Done);
        Assert.Equal(["nonsense"], outcome.Unknown);
        await AssertNothingIsPoisonAsync();
        Assert.Equal(0, (await _system.Inbound.GetDepthAsync(Token)).Length);
        Assert.Equal(TransactionStatus.Failed, (await _system.ResultAsync(transaction.Id))!.Status);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_crash_at_any_step_loses_nothing_and_the_repeat_doubles_nothing(bool afterwards)
    {
        for (int step = 1; await CrashAndRepeatAsync(step, afterwards); step++)
        {
            Assert.True(step < 50, "The redrive never ends.");
        }
    }

    public void Dispose() => _system.Dispose();

    /// <returns>Whether the redrive had this many steps, so that the crash happened.</returns>
    private static async Task<bool> CrashAndRepeatAsync(int step, bool afterwards)
    {
        using var test = new PoisonOperationsTests();
        ScoringHarness system = test._system;
        LeasedMessage bare = await test.PoisonAsync(() => system.Inbound.SendAsync(BareObject, TimeSpan.Zero, Token));
        Transaction enveloped = system.Transaction(13);
        await test.PoisonAsync(() => system.SendAsync(enveloped));
        LeasedMessage unrecorded = await system.Poison.SendAsync(BareObject.Replace("13", "7", StringComparison.Ordinal), TimeSpan.Zero, Token);
        var crash = new Crash(step, afterwards);
        Queues queues = new(new CrashingQueue(system.Inbound, crash), new CrashingQueue(system.Poison, crash), system.Alerts);

        Task redrive = new PoisonOperations(new CrashingPoisonStore(system.PoisonStore, crash), queues, system.Ids).RedriveAllAsync(Token);
        await redrive.ContinueWith(_ => { }, Token, TaskContinuationOptions.None, TaskScheduler.Default);
        await system.ProcessAsync();

        // The redrive is repeated at once, while the dead process's leases still hold, and again after they have expired.
        await test._poison.RedriveAllAsync(Token);
        system.Time.Advance(TimeSpan.FromMinutes(5));
        await test._poison.RedriveAllAsync(Token);
        await system.ProcessAsync();

        await test.AssertNothingIsPoisonAsync();
        Guid[] ids = [system.Ids.ForMessage(system.Inbound.Name, bare.Id, 0), enveloped.Id, system.Ids.ForMessage(system.Inbound.Name, unrecorded.Id, 0)];
        FeedPage feed = (await system.Results.ReadFeedAsync(FeedCursor.Start, 10, Token))!;
        Assert.Equal(ids.Order(), feed.Results.Select(result => result.Id).Order());
        Assert.All(feed.Results, result => Assert.Equal(TransactionStatus.Scored, result.Status));
        return crash.Happened;
    }

    /// <summary>Sends a message that fails until the worker gives it up. Messages sent afterwards can be scored.</summary>
    private async Task<LeasedMessage> PoisonAsync(Func<Task<LeasedMessage>> send)
    {
        LeasedMessage sent = await send();
        await FailUntilGivenUpAsync();
        return sent;
    }

    private async Task FailUntilGivenUpAsync()
    {
        _system.Store.FailOnAmount(BadUnits);
        for (int attempt = 0; attempt < FailedMessages.MaximumAttempts; attempt++)
        {
            await _system.ProcessAsync();
            _system.Time.Advance(TimeSpan.FromMinutes(1));
        }

        _system.Store.BeforeWrite = _ => null;
        Assert.Equal(0, (await _system.Inbound.GetDepthAsync(Token)).Length);
    }

    private async Task<string> OnlyIdAsync() => Assert.Single(await _poison.ListAsync(Token)).MessageId;

    private async Task AssertNothingIsPoisonAsync()
    {
        Assert.Empty(await _poison.ListAsync(Token));
        Assert.Equal(0, (await _system.Poison.GetDepthAsync(Token)).Length);
    }

    /// <summary>A queue whose messages are processed as soon as they are sent.</summary>
    private sealed class QueueThatIsDrained(IMessageQueue queue, Func<Task> drain) : IMessageQueue
    {
        public string Name => queue.Name;

        public Task EnsureExistsAsync(CancellationToken cancellationToken) => queue.EnsureExistsAsync(cancellationToken);

        public async Task<LeasedMessage> SendAsync(MessageBody body, TimeSpan visibilityDelay, CancellationToken cancellationToken)
        {
            LeasedMessage sent = await queue.SendAsync(body, visibilityDelay, cancellationToken);
            await drain();
            return sent;
        }

        public Task<IReadOnlyList<LeasedMessage>> ReceiveAsync(int maximum, TimeSpan lease, CancellationToken cancellationToken) =>
            queue.ReceiveAsync(maximum, lease, cancellationToken);

        public Task<IReadOnlyList<string>> PeekAsync(int maximum, CancellationToken cancellationToken) => queue.PeekAsync(maximum, cancellationToken);

        public Task<QueueDepth> GetDepthAsync(CancellationToken cancellationToken) => queue.GetDepthAsync(cancellationToken);

        public Task ProbeAsync(CancellationToken cancellationToken) => queue.ProbeAsync(cancellationToken);
    }
}
