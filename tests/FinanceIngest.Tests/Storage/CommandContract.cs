using FinanceIngest.Baselines;
using FinanceIngest.Commands;
using FinanceIngest.Configuration;
using FinanceIngest.Detection;
using FinanceIngest.Learning;
using FinanceIngest.Preferences;
using FinanceIngest.Queueing;
using FinanceIngest.Results;
using FinanceIngest.Scoring;
using FinanceIngest.Tests.Support;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Storage;

/// <summary>Commands are carried out once, and the last accepted one holds, in whatever order and however often they come.</summary>
public abstract class CommandContract(StoreFixture fixture) : StoreContract(fixture)
{
    private static readonly IdCertifier s_ids = new("a signing key of the tests, long enough", TimeProvider.System);

    [Fact]
    public async Task A_verdict_is_on_its_row_which_takes_a_new_place_in_the_feed()
    {
        TransactionResult row = Sample.Scored(), other = Sample.Scored();
        await WriteAsync(row, other);
        FeedPage before = await ReadFeedAsync(FeedCursor.Start);

        await CarryOutAsync(Feedback(row.Id, FeedbackVerdict.Expected, second: 1));

        Assert.Equal(row with { Verdict = FeedbackVerdict.Expected }, await GetAsync(row.Id));
        Assert.Equal(row.Id, Assert.Single((await ReadFeedAsync(before.Next)).Results).Id);
        Assert.Equal([other.Id, row.Id], (await ReadFeedAsync(FeedCursor.Start)).Results.Select(result => result.Id));
    }

    [Fact]
    public async Task A_command_that_is_delivered_again_moves_nothing()
    {
        TransactionResult row = Sample.Scored();
        await WriteAsync(row);
        FeedbackCommand command = Feedback(row.Id, FeedbackVerdict.Unexpected, second: 1);
        await CarryOutAsync(command);
        FeedCursor end = (await ReadFeedAsync(FeedCursor.Start)).Next;

        await CarryOutAsync(command, command);
        await CarryOutAsync(command);

        Assert.Empty((await ReadFeedAsync(end)).Results);
        Assert.Equal(FeedbackVerdict.Unexpected, (await GetAsync(row.Id)).Verdict);
    }

    [Fact]
    public async Task A_verdict_that_is_taken_back_is_no_more()
    {
        TransactionResult row = Sample.Scored();
        await WriteAsync(row);
        await CarryOutAsync(Feedback(row.Id, FeedbackVerdict.Expected, second: 1), Feedback(row.Id, null, second: 2));
        Assert.Null((await GetAsync(row.Id)).Verdict);

        await CarryOutAsync(Feedback(row.Id, FeedbackVerdict.Expected, second: 1));
        Assert.Null((await GetAsync(row.Id)).Verdict);
    }

    [Fact]
    public async Task A_verdict_waits_for_its_transaction()
    {
        TransactionResult row = Sample.Scored();
        FeedbackCommand command = Feedback(row.Id, FeedbackVerdict.Expected, second: 1);
        await CarryOutAsync(command);
        Assert.True(await Stores.Progress.AreCarriedOutAsync([command], Token));

        Assert.Equal(1, (await WriteAsync(row)).Verdicts);
        Assert.Equal(FeedbackVerdict.Expected, (await GetAsync(row.Id)).Verdict);
        Assert.Equal(0, (await WriteAsync(row)).Verdicts);
    }

    [Fact]
    public async Task A_verdict_waits_while_its_transaction_has_failed()
    {
        TransactionResult row = Sample.Scored();
        await WriteAsync(Sample.Failed(row.Id));
        await CarryOutAsync(Feedback(row.Id, FeedbackVerdict.Unexpected, second: 1));
        Assert.Null((await GetAsync(row.Id)).Verdict);

        await WriteAsync(row);
        Assert.Equal(FeedbackVerdict.Unexpected, (await GetAsync(row.Id)).Verdict);
    }

    [Fact]
    public async Task A_verdict_and_its_transaction_in_one_batch_find_each_other()
    {
        TransactionResult row = Sample.Anomaly();
        await Stores.Scoring.WriteAsync(Sample.Batch(row) with { Commands = [Feedback(row.Id, FeedbackVerdict.Expected, second: 1)] }, Token);
        Assert.Equal(row with { Verdict = FeedbackVerdict.Expected }, await GetAsync(row.Id));
        Assert.Equal(1, await Stores.Outbox.CountUnsentAsync(Token));
    }

    [Fact]
    public async Task What_is_withdrawn_leaves_a_tombstone_alone()
    {
        TransactionResult row = Sample.Anomaly(), other = Sample.Anomaly();
        await WriteAsync(row, other);
        var command = new WithdrawCommand(Guid.CreateVersion7(), Sample.Noon, row.Id);
        Assert.False(await Stores.Progress.AreCarriedOutAsync([command], Token));
        await CarryOutAsync(Feedback(row.Id, FeedbackVerdict.Expected, second: 1), command);

        Assert.True(await Stores.Progress.AreCarriedOutAsync([command], Token));
        Assert.Equal(TransactionStatus.Purged, (await GetAsync(row.Id)).Status);
        Assert.Equal(other, await GetAsync(other.Id));
        Assert.Equal(1, await Stores.Outbox.CountUnsentAsync(Token));
        Assert.Equal(0, (await WriteAsync(row)).Written);
        await CarryOutAsync(Feedback(row.Id, FeedbackVerdict.Expected, second: 2));
        Assert.Equal(TransactionStatus.Purged, (await GetAsync(row.Id)).Status);
        Assert.Equal(0, await Fixture.CountRowsAsync("feedback"));
    }

    [Fact]
    public async Task What_is_withdrawn_before_its_score_never_gets_a_row()
    {
        TransactionResult row = Sample.Anomaly();
        await CarryOutAsync(new WithdrawCommand(Guid.CreateVersion7(), Sample.Noon, row.Id));
        WriteCounts counts = await WriteAsync(row);
        Assert.Equal((0, 0), (counts.Written, counts.Alerts));
        Assert.Equal(TransactionStatus.Purged, (await GetAsync(row.Id)).Status);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_is_replaced_goes_when_the_other_one_is_scored(bool wasScored)
    {
        TransactionResult old = Sample.Anomaly();
        TransactionResult replacing = Sample.Scored() with { Replaces = old.Id };
        if (wasScored)
        {
            await WriteAsync(old);
        }

        await WriteAsync(replacing);
        await WriteAsync(old);
        Assert.Equal(TransactionStatus.Purged, (await GetAsync(old.Id)).Status);
        Assert.Equal(replacing with { Replaces = null }, await GetAsync(replacing.Id));
        Assert.Equal(0, await Stores.Outbox.CountUnsentAsync(Token));
    }

    [Fact]
    public async Task A_repeat_that_names_another_one_replaces_nothing()
    {
        TransactionResult row = Sample.Scored(), other = Sample.Scored();
        await WriteAsync(row, other);
        await WriteAsync(row with { Replaces = other.Id });
        Assert.Equal(other, await GetAsync(other.Id));
    }

    [Fact]
    public async Task Suppressed_anomalies_say_why_and_have_no_alert()
    {
        TransactionResult[] rows =
        [
            .. Enum.GetValues<AlertSuppression>().Select(reason => Sample.Anomaly() with { Alert = AlertState.Suppressed, SuppressedBy = reason }),
        ];
        await Stores.Scoring.WriteAsync(new ScoredBatch(rows, [], []), Token);
        Assert.Equal(rows.OrderBy(row => row.Id), (await Stores.Results.GetAsync([.. rows.Select(row => row.Id)], Token)).OrderBy(row => row.Id));
        Assert.Equal(0, await Stores.Outbox.CountUnsentAsync(Token));
    }

    [Fact]
    public async Task An_alert_of_what_is_no_anomaly_is_queued_then_sent()
    {
        TransactionResult row = Sample.Scored() with { Alert = AlertState.Queued };
        await Stores.Scoring.WriteAsync(new ScoredBatch([row], [Sample.Alert(row)], []), Token);
        Assert.Equal(row, await GetAsync(row.Id));

        var owner = Guid.NewGuid();
        IReadOnlyList<FinanceIngest.Alerts.ClaimedAlert> claimed = await Stores.Outbox.ClaimAsync(owner, 1, TimeSpan.FromMinutes(1), Token);
        await Stores.Outbox.MarkSentAsync(owner, [.. claimed.Select(alert => alert.AlertId)], Token);
        Assert.Equal(row with { Alert = AlertState.Sent }, await GetAsync(row.Id));
    }

    // There are more settings than keys, or fewer.
    [Theory]
    [InlineData(0)]
    [InlineData(20)]
    public async Task Of_settings_the_closest_is_found_with_the_baselines(int others)
    {
        await CarryOutAsync(
            Setting(null, null, AlertLevel.Rarely, 1), Setting(null, 2310, AlertLevel.Often, 2), Setting(399, null, AlertLevel.Never, 3),
            Setting(399, 2310, AlertLevel.Normal, 4), Setting(400, 7, AlertLevel.Never, 5));
        SensitivityTable settings = (await Stores.Scoring.LoadBaselinesAsync(
            [
                new(399, 2310), new(399, 7), new(401, 2310), new(401, 7),
                .. Enumerable.Range(0, others).Select(i => new BaselineKey(1000 + i, 7)),
            ],
            Token)).Settings;
        Assert.Equal(AlertLevel.Normal, settings.Find(399, 2310, Sample.Noon)!.Level);
        Assert.Equal(AlertLevel.Never, settings.Find(399, 7, Sample.Noon)!.Level);
        Assert.Equal(AlertLevel.Often, settings.Find(401, 2310, Sample.Noon)!.Level);
        Assert.Equal(AlertLevel.Rarely, settings.Find(401, 7, Sample.Noon)!.Level);
    }

    [Fact]
    public async Task A_snooze_holds_until_it_ends_and_then_the_lasting_setting_again()
    {
        DateTime until = Sample.Noon.AddDays(7);
        await CarryOutAsync(Setting(399, null, AlertLevel.Rarely, 1), Setting(399, null, AlertLevel.Never, 2, until));
        SensitivityTable settings = (await Stores.Scoring.LoadBaselinesAsync([new(399, 7)], Token)).Settings;
        Assert.Equal(AlertLevel.Never, settings.Find(399, 7, until.AddTicks(-10))!.Level);
        Assert.Equal(AlertLevel.Rarely, settings.Find(399, 7, until)!.Level);
        Assert.Equal(2, (await ListAsync(until.AddTicks(-10))).Count);
        Assert.Equal(AlertLevel.Rarely, Assert.Single(await ListAsync(until)).Level);
    }

    [Fact]
    public async Task Commands_hold_alike_in_whatever_order_they_come()
    {
        TransactionResult row = Sample.Scored(), withdrawn = Sample.Anomaly();
        DateTime until = Sample.Noon.AddDays(7);
        Command[] commands =
        [
            Setting(399, 7, AlertLevel.Rarely, 1), Setting(399, 7, AlertLevel.Never, 2, until), Setting(399, 7, AlertLevel.Often, 3),
            Setting(399, 7, AlertLevel.Rarely, 4, until.AddDays(1)), Setting(399, 8, AlertLevel.Never, 1), Setting(399, 8, null, 2),
            Setting(399, 9, AlertLevel.Never, 3, until), Setting(399, 9, AlertLevel.Normal, 4), Setting(400, null, AlertLevel.Never, 1),
            new EraseUserCommand(Guid.CreateVersion7(), Sample.Noon.AddSeconds(2), 400), Setting(400, null, AlertLevel.Rarely, 3),
            Feedback(row.Id, FeedbackVerdict.Expected, 1), Feedback(row.Id, null, 2), Feedback(row.Id, FeedbackVerdict.Unexpected, 3),
            new WithdrawCommand(Guid.CreateVersion7(), Sample.Noon, withdrawn.Id), Feedback(withdrawn.Id, FeedbackVerdict.Expected, 5),
        ];
        var random = new Random(16);
        for (int round = 0; round < 12; round++)
        {
            await Fixture.ClearAsync();
            await InitializeAsync();
            Command[] order = [.. commands, .. commands];
            random.Shuffle(order);
            int at = random.Next(order.Length);
            await CarryOutOneByOneAsync(order[..at]);
            await WriteAsync(row, withdrawn);
            await CarryOutAsync(order[at..]);

            Assert.Equal(FeedbackVerdict.Unexpected, (await GetAsync(row.Id)).Verdict);
            Assert.Equal(TransactionStatus.Purged, (await GetAsync(withdrawn.Id)).Status);
            Assert.Equal(0, await Stores.Outbox.CountUnsentAsync(Token));
            Assert.Equal(
                [
                    (new SensitivityKey(399, 7), AlertLevel.Often, null), (new SensitivityKey(399, 7), AlertLevel.Rarely, until.AddDays(1)),
                    (new SensitivityKey(399, 9), AlertLevel.Normal, null), (new SensitivityKey(400, 0), AlertLevel.Rarely, null),
                ],
                (await ListAsync(Sample.Noon)).Select(setting => (setting.Key, setting.Level, setting.Until)));
        }
    }

    [Fact]
    public async Task Ten_thousand_settings_are_listed_page_by_page_and_found_one_by_one()
    {
        const int count = 10_000;
        foreach (int[] some in Enumerable.Range(1, count).Chunk(1000))
        {
            await CarryOutAsync([.. some.Select(i => Setting(i / 10, 1 + i, i % 2 == 0 ? AlertLevel.Never : AlertLevel.Often, 1))]);
        }

        var listed = new List<Sensitivity>();
        for (SensitivityCursor? after = null; ;)
        {
            IReadOnlyList<Sensitivity> page = await Stores.Sensitivities.ReadPageAsync(null, null, after, 999, Sample.Noon, Token);
            listed.AddRange(page);
            if (page.Count < 999)
            {
                break;
            }

            after = new SensitivityCursor(page[^1].Key, page[^1].Until is not null);
        }

        Assert.Equal(count, listed.Select(setting => setting.Key).Distinct().Count());
        Assert.Equal(10, (await Stores.Sensitivities.ReadPageAsync(500, null, null, 100, Sample.Noon, Token)).Count);
        SensitivityTable settings = (await Stores.Scoring.LoadBaselinesAsync([new(500, 5001), new(500, 5002), new(500, 1)], Token)).Settings;
        Assert.Equal(AlertLevel.Never, settings.Find(500, 5001, Sample.Noon)!.Level);
        Assert.Equal(AlertLevel.Often, settings.Find(500, 5002, Sample.Noon)!.Level);
        Assert.Null(settings.Find(500, 1, Sample.Noon));
    }

    [Fact]
    public async Task What_was_accepted_before_an_erasure_and_scored_after_it_gets_no_row()
    {
        TransactionResult before = Sample.Anomaly() with { AcceptedAt = Sample.Noon };
        TransactionResult after = before with { Id = Guid.NewGuid(), AcceptedAt = Sample.Noon.AddSeconds(2) };
        var command = new EraseUserCommand(Guid.CreateVersion7(), Sample.Noon.AddSeconds(1), 399);
        await CarryOutAsync(command);
        Assert.False(await Stores.Progress.AreCarriedOutAsync([command], Token));
        WriteCounts counts = await WriteAsync(before, after);

        Assert.Equal((1, 1), (counts.Written, counts.Alerts));
        Assert.Equal(TransactionStatus.Purged, (await GetAsync(before.Id)).Status);
        Assert.Equal(after, await GetAsync(after.Id));
        await Stores.Retention.EraseUserAsync(399, [], command.AcceptedAt, Token);
        Assert.Equal(after, await GetAsync(after.Id));

        await Stores.Progress.CompleteErasureAsync(command, Sample.Noon.AddSeconds(9), Token);
        Assert.Equal(new Erasure(command.AcceptedAt, Sample.Noon.AddSeconds(9)), await Stores.Progress.FindErasureAsync(399, Token));
        Assert.True(await Stores.Progress.AreCarriedOutAsync([command], Token));
        await CarryOutAsync(command);
        Assert.NotNull((await Stores.Progress.FindErasureAsync(399, Token))!.CompletedAt);
    }

    [Fact]
    public async Task An_erasure_takes_verdicts_and_settings_along()
    {
        TransactionResult row = Sample.Scored() with { AcceptedAt = Sample.Noon };
        await WriteAsync(row);
        await CarryOutAsync(Feedback(row.Id, FeedbackVerdict.Expected, 1), Setting(399, null, AlertLevel.Never, 1), Setting(null, null, AlertLevel.Rarely, 1));
        await Stores.Retention.EraseUserAsync(399, [], null, Token);
        Assert.Equal(0, await Fixture.CountRowsAsync("feedback"));
        Assert.Equal(SensitivityKey.Everybody, Assert.Single(await ListAsync(Sample.Noon)).Key);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_a_withdrawn_row_taught_is_taken_out(bool isReplaced)
    {
        Settings settings = new() { DataDirectory = "unused", Detector = DetectorNames.Adaptive };
        Transaction[] rows =
        [
            .. Enumerable.Range(0, 30).Select(i => new Transaction(
                s_ids.NewId(), 1 + (i % 2), 7, Money.FromDecimal(20 + i), Sample.Noon.AddHours(i), Sample.Noon.AddHours(i))),
        ];
        await ScoreAsync(settings, rows, []);
        if (isReplaced)
        {
            await ScoreAsync(settings, [rows[0] with { Id = s_ids.NewId(), Replaces = rows[4].Id }], []);
        }
        else
        {
            await ScoreAsync(settings, [], [new WithdrawCommand(Guid.CreateVersion7(), Sample.Noon, rows[4].Id)]);
        }

        await Stores.Retention.RemoveBuriedAsync([rows[4].Id], Token);
        Assert.Equal(TransactionStatus.Purged, (await GetAsync(rows[4].Id)).Status);
        List<string> differences = [];
        AuditCounts counts = await new StateAudit(Stores.Learning).VerifyAsync((_, found) => differences.AddRange(found), Token);
        Assert.Empty(differences);
        Assert.Equal(new AuditCounts(2, isReplaced ? 30 : 29, 0), counts);
    }

    [Fact]
    public async Task Verdicts_change_what_rows_taught_and_states_stay_what_the_rows_say()
    {
        Settings settings = new() { DataDirectory = "unused", Detector = DetectorNames.Adaptive };
        Transaction[] rows =
        [
            .. Enumerable.Range(0, 30).Select(i => new Transaction(
                s_ids.NewId(), 1 + (i % 2), 7, Money.FromDecimal(i == 20 ? 900 : 20 + i), Sample.Noon.AddHours(i), Sample.Noon.AddHours(i))),
        ];
        FeedbackCommand waiting = Feedback(rows[29].Id, FeedbackVerdict.Expected, 1);
        await ScoreAsync(settings, rows[..29], [waiting]);
        await ScoreAsync(settings, rows[29..], [Feedback(rows[20].Id, FeedbackVerdict.Unexpected, 2), Feedback(rows[3].Id, FeedbackVerdict.Expected, 3)]);
        await ScoreAsync(settings, [], [Feedback(rows[20].Id, FeedbackVerdict.Expected, 4), Feedback(rows[3].Id, null, 5)]);

        List<string> differences = [];
        AuditCounts counts = await new StateAudit(Stores.Learning).VerifyAsync((_, found) => differences.AddRange(found), Token);
        Assert.Empty(differences);
        Assert.Equal(new AuditCounts(2, 30, 0), counts);
        Assert.Equal(
            [FeedbackVerdict.Expected, FeedbackVerdict.Expected, null],
            [(await GetAsync(rows[29].Id)).Verdict, (await GetAsync(rows[20].Id)).Verdict, (await GetAsync(rows[3].Id)).Verdict]);
    }

    private async Task ScoreAsync(Settings settings, Transaction[] transactions, Command[] commands)
    {
        var scorer = new BatchScorer(
            Stores.Scoring, s_ids, settings, TestTelemetry.Create(Time), Time, new ScoringEvents(), new CurrentModel(Stores.Learning, settings));
        var delivery = new Delivery(new AnyMessage { Id = "m", Body = new MessageBody("{}"), InsertedAt = Sample.Noon, DequeueCount = 1 });
        delivery.Transactions.AddRange(transactions);
        delivery.Commands.AddRange(commands);
        await scorer.ScoreAsync([delivery], new FakeLeases(), Token);
    }

    private async Task CarryOutAsync(params Command[] commands) => await Stores.Scoring.WriteAsync(new ScoredBatch([], [], []) { Commands = commands }, Token);

    private async Task CarryOutOneByOneAsync(IEnumerable<Command> commands)
    {
        foreach (Command command in commands)
        {
            await CarryOutAsync(command);
        }
    }

    private Task<IReadOnlyList<Sensitivity>> ListAsync(DateTime now) => Stores.Sensitivities.ReadPageAsync(null, null, null, 1000, now, Token);

    private static FeedbackCommand Feedback(Guid id, FeedbackVerdict? verdict, int second) =>
        new(Guid.CreateVersion7(), Sample.Noon.AddSeconds(second), id, verdict);

    private static SensitivityCommand Setting(long? user, long? category, AlertLevel? level, int second, DateTime? until = null) =>
        new(Guid.CreateVersion7(), Sample.Noon.AddSeconds(second), user == 0 ? null : user, category, level, null, until);
}

public sealed class SqliteCommandTests(SqliteFixture fixture) : CommandContract(fixture), IClassFixture<SqliteFixture>;

[Needs(Outside.SqlServer)]
public sealed class SqlServerCommandTests(SqlServerFixture fixture) : CommandContract(fixture), IClassFixture<SqlServerFixture>;
