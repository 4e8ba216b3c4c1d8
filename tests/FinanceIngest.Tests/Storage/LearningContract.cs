using FinanceIngest.Commands;
using FinanceIngest.Configuration;
using FinanceIngest.Detection;
using FinanceIngest.Ground;
using FinanceIngest.Learning;
using FinanceIngest.Poison;
using FinanceIngest.Queueing;
using FinanceIngest.Queueing.Embedded;
using FinanceIngest.Results;
using FinanceIngest.Retention;
using FinanceIngest.Scoring;
using FinanceIngest.Tests.Support;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Storage;

/// <summary>Guarantees 5 and 8: each id is learned once, and the states are what the rows say, whatever happens.</summary>
public abstract class LearningContract(StoreFixture fixture) : StoreContract(fixture)
{
    private readonly string _folder = Directory.CreateTempSubdirectory("finance-ingest-test-").FullName;

    private static readonly IdCertifier s_ids = new("a signing key of the tests, long enough", TimeProvider.System);
    private static readonly Settings s_settings = new() { DataDirectory = "unused", Detector = DetectorNames.Adaptive };

    [Fact]
    public async Task A_batch_is_learned_with_its_rows_and_a_repeat_is_not()
    {
        Transaction[] rows = Spending(users: 5, rows: 200);

        Assert.Equal(new WriteCounts(200, 0, 0, 0), Without(await ScoreAsync(rows)));
        Assert.Equal(new WriteCounts(0, 200, 0, 0), Without(await ScoreAsync(rows)));
        await ScoreAsync([.. rows.Reverse(), .. rows]);

        AuditCounts audit = await AuditAsync();
        Assert.Equal(new AuditCounts(5, 200, 0), audit);
        IReadOnlyList<KnownKey> states = await Stores.Learning.ReadStatesAsync(null, 1000, Token);
        Assert.Equal(200, states.Sum(state => state.State.Rows));
        TransactionResult result = await GetAsync(rows[^1].Id);
        Assert.Equal(AdaptiveDetector.Version, result.Detected!.Detector);
        Assert.InRange(result.Detected.Surprise, 0, 1);
        Assert.Equal((rows[^1].Amount.ToDouble() - result.Baseline!.Mean) / result.Baseline.StdDev, result.ZScore!.Value, 9);
    }

    [Fact]
    public async Task One_of_several_with_an_id_in_a_batch_is_learned()
    {
        Transaction first = Spending(1, 1)[0];
        await ScoreAsync([first, first with { Amount = new Money(90_000_000) }, first]);

        Assert.Equal(new AuditCounts(1, 1, 0), await AuditAsync());
        Assert.Equal(first.Amount, (await GetAsync(first.Id)).Amount);
        Assert.Equal(1, await Fixture.CountRowsAsync("repeat_conflicts"));
    }

    [Fact]
    public async Task A_failed_row_is_learned_when_it_is_scored()
    {
        Transaction row = Spending(1, 1)[0];
        await WriteAsync(Sample.Failed(row.Id));
        await ScoreAsync([row]);

        Assert.Equal(TransactionStatus.Scored, (await GetAsync(row.Id)).Status);
        Assert.Equal(new AuditCounts(1, 1, 0), await AuditAsync());
    }

    [Fact]
    public async Task A_buried_transaction_teaches_nothing()
    {
        Transaction[] rows = Spending(1, 3);
        await Stores.Retention.BuryAsync([rows[1].Id], Token);
        await ScoreAsync(rows);

        Assert.Equal(new AuditCounts(1, 2, 0), await AuditAsync());
        Assert.Equal(TransactionStatus.Purged, (await GetAsync(rows[1].Id)).Status);
    }

    [Fact]
    public async Task Workers_with_the_same_users_learn_each_id_once()
    {
        // Each row is in the batches of three workers, each with its own order and neighbours.
        Transaction[] rows = Spending(users: 12, rows: 600);
        var counts = new WriteCounts[6];
        await Task.WhenAll(Enumerable.Range(0, 6).Select(async worker =>
        {
            Stores stores = Fixture.Open();
            Transaction[] share = [.. rows.Where((_, i) => Enumerable.Range(0, 3).Any(copy => (i + copy) % 6 == worker))];
            new Random(worker).Shuffle(share);
            foreach (Transaction[] part in share.Chunk(40))
            {
                counts[worker] += await ScoreAsync(part, stores);
            }
        }));

        Assert.Equal(600, counts.Sum(count => count.Written));
        Assert.Equal(1200, counts.Sum(count => count.Repeats));
        Assert.Equal(new AuditCounts(12, 600, 0), await AuditAsync());
    }

    [Fact]
    public async Task Retention_carries_what_rows_taught()
    {
        Transaction[] rows = Spending(users: 3, rows: 120, standing: true);
        await ScoreAsync(rows[..60]);
        IReadOnlyList<KnownKey> before = await Stores.Learning.ReadStatesAsync(null, 1000, Token);
        Time.Advance(TimeSpan.FromDays(40));

        Assert.Equal(60, (await Stores.Retention.PurgeAsync(Time.GetUtcNow().UtcDateTime.AddDays(-1), Token)).Transactions);
        Assert.Equal(new AuditCounts(3, 0, 0), await AuditAsync());
        await ScoreAsync(rows[60..]);
        Assert.Equal(new AuditCounts(3, 60, 0), await AuditAsync());
        IReadOnlyList<KnownKey> after = await Stores.Learning.ReadStatesAsync(null, 1000, Token);
        Assert.All(before, state => Assert.True(
            after.Single(other => other.Key == state.Key).State.Weight.High >= state.State.Weight.High, "what retention removed is still known"));
        Assert.Contains(after, state => state.Carried is not null);
    }

    [Fact]
    public async Task Erasure_takes_out_everything_of_the_user()
    {
        Transaction[] rows = Spending(users: 3, rows: 90);
        await ScoreAsync(rows);
        RemovedRows removed = await Stores.Retention.EraseUserAsync(2, [], null, Token);

        Assert.Equal(30, removed.Transactions);
        Assert.Equal(new AuditCounts(2, 60, 0), await AuditAsync());
        Assert.DoesNotContain(await Stores.Learning.ReadUsersAsync(0, 100, Token), user => user.UserId == 2);
        Assert.DoesNotContain(await Stores.Learning.ReadStatesAsync(null, 1000, Token), state => state.Key.UserId == 2);
    }

    [Fact]
    public async Task States_that_somebody_changed_are_found_and_made_anew()
    {
        await ScoreAsync(Spending(users: 3, rows: 90));
        LearnedUser user = (await Stores.Learning.ReadUserAsync(2, Token))!;
        KeyState damaged = user.Keys[0].State;
        damaged.Amounts = damaged.Amounts.Plus(damaged.Amounts.High * 1e-6);
        Assert.True(await Stores.Learning.TryReplaceAsync(
            new UserChange(2, user.User.Version, user.User.Version!.Value + 1, user.User.State, null,
                [.. user.Keys.Select((key, i) => new KeyChange(key.Key.Category, i == 0 ? damaged : key.State, key.Carried, false))]),
            Token));
        Assert.False(await Stores.Learning.TryReplaceAsync(
            new UserChange(2, user.User.Version, user.User.Version!.Value + 1, user.User.State, null, []), Token));

        List<long> found = [];
        var audit = new StateAudit(Stores.Learning);
        Assert.Equal(1, (await audit.VerifyAsync((userId, _) => found.Add(userId), Token)).Different);
        Assert.Equal([2], found);
        await audit.RebuildAsync((_, _) => { }, Token);
        Assert.Equal(new AuditCounts(3, 90, 0), await AuditAsync());
    }

    [Fact]
    public async Task A_model_is_made_from_states_and_rows_and_read_as_it_was()
    {
        await ScoreAsync(Spending(users: 12, rows: 600));
        var renewal = new ModelRenewal(Stores.Learning, s_settings);
        DetectionModel made = (await renewal.RenewAsync(Sample.Noon.AddDays(100), Token))!.Value.Model;
        DetectionModel read = (await Stores.Learning.LoadModelAsync(Token))!;

        Assert.Equal(1, read.Version);
        Assert.Equal(made.Thresholds, read.Thresholds);
        Assert.Equal(made.Priors.Keys.ToHashSet(), [.. read.Priors.Keys]);
        Assert.All(made.Priors, pair => Assert.Equal(pair.Value.Known, read.Priors[pair.Key].Known));
        Assert.Equal(12, read.Priors[new CategoryKey(1, false)].Known.Users);
        Assert.False(await Stores.Learning.SaveModelAsync(made, Token));

        // What is erased is forgotten by the next renewal.
        await Stores.Retention.EraseUserAsync(3, [], null, Token);
        Assert.Equal(11, (await renewal.RenewAsync(made.MadeAt, Token))!.Value.Model.Priors[new CategoryKey(1, false)].Known.Users);
    }

    [Fact]
    public async Task A_verdict_changes_what_its_row_taught_and_is_taken_back_without_a_trace()
    {
        Transaction[] rows = Spending(2, 80);
        await ScoreAsync(rows);
        IReadOnlyList<KnownKey> before = await Stores.Learning.ReadStatesAsync(null, 1000, Token);
        Transaction large = rows[40];

        await CommandAsync(Feedback(large, FeedbackVerdict.Unexpected));
        Assert.Equal(new AuditCounts(2, 80, 0), await AuditAsync());
        ContributingRow unexpected = await RowOfAsync(large);
        Assert.Equal(0, unexpected.Contribution.Weight);
        Assert.Equal(FeedbackVerdict.Unexpected, unexpected.Verdict);
        Assert.Equal(FeedbackVerdict.Unexpected, (await GetAsync(large.Id)).Verdict);

        await CommandAsync(Feedback(large, FeedbackVerdict.Expected));
        Assert.Equal(new AuditCounts(2, 80, 0), await AuditAsync());
        Assert.Equal(1, (await RowOfAsync(large)).Contribution.Weight);

        await CommandAsync(Feedback(large, null));
        Assert.Equal(new AuditCounts(2, 80, 0), await AuditAsync());
        IReadOnlyList<KnownKey> after = await Stores.Learning.ReadStatesAsync(null, 1000, Token);
        Assert.All(before.Zip(after), pair => Assert.Equal(pair.First.State.Weight.High, pair.Second.State.Weight.High, 1e-9 * pair.First.State.Weight.High));
        Assert.Null((await GetAsync(large.Id)).Verdict);
    }

    [Fact]
    public async Task A_verdict_that_came_first_teaches_with_its_row()
    {
        Transaction[] rows = Spending(1, 30);
        await ScoreAsync(rows[..^1]);
        await CommandAsync(Feedback(rows[^1], FeedbackVerdict.Unexpected));
        Assert.Equal(new AuditCounts(1, 29, 0), await AuditAsync());
        await ScoreAsync(rows[^1..]);

        Assert.Equal(new AuditCounts(1, 30, 0), await AuditAsync());
        Assert.Equal(0, (await RowOfAsync(rows[^1])).Contribution.Weight);
    }

    [Fact]
    public async Task Withdrawn_and_replaced_rows_taught_nothing()
    {
        Transaction[] rows = Spending(2, 60);
        await ScoreAsync(rows[..^1]);
        await CommandAsync(new WithdrawCommand(s_ids.NewId(), Time.UtcNowMicroseconds(), rows[3].Id));
        Assert.Equal(new AuditCounts(2, 58, 0), await AuditAsync());
        await ScoreAsync([rows[^1] with { Replaces = rows[5].Id }]);

        Assert.Equal(new AuditCounts(2, 58, 0), await AuditAsync());
        Assert.All(
            await Stores.Results.GetAsync([rows[3].Id, rows[5].Id], Token), result => Assert.Equal(TransactionStatus.Purged, result.Status));
    }

    [Fact]
    public async Task An_erased_user_is_forgotten_but_for_what_was_accepted_later()
    {
        Transaction[] rows = Spending(2, 60);
        await ScoreAsync(rows[..50]);
        await CommandAsync(new EraseUserCommand(s_ids.NewId(), rows[49].AcceptedAt, 1));
        await ScoreAsync(rows);

        Assert.Equal(new AuditCounts(2, 30 + rows[50..].Count(row => row.UserId == 1), 0), await AuditAsync());
    }

    [Fact]
    public async Task A_shadow_learns_and_never_decides()
    {
        Transaction[] rows = Spending(1, 30);
        var settings = new Settings { DataDirectory = "unused", Shadow = [DetectorNames.Adaptive] };
        await ScoreAsync(rows, settings: settings);
        TransactionResult result = await GetAsync(rows[^1].Id);

        Assert.Equal(ScoreReason.NoBaseline, result.Reason);
        Assert.Null(result.Detected);
        Assert.StartsWith("{\"adaptive\":{\"is_anomaly\":", result.Shadow, StringComparison.Ordinal);
        Assert.Equal(new AuditCounts(1, 30, 0), await AuditAsync());
    }

    private FeedbackCommand Feedback(Transaction row, FeedbackVerdict? verdict)
    {
        Time.Advance(TimeSpan.FromSeconds(1));
        return new FeedbackCommand(s_ids.NewId(), Time.UtcNowMicroseconds(), row.Id, verdict);
    }

    // Twice, as after a crash between the commit and the deletion of the message.
    private async Task CommandAsync(Command command)
    {
        await ScoreAsync([], commands: [command]);
        await ScoreAsync([], commands: [command]);
    }

    private async Task<ContributingRow> RowOfAsync(Transaction row) => Assert.Single(
        await Stores.Learning.ReadRowsAsync(long.MaxValue, 1000, Token),
        found => found.Key.UserId == row.UserId && found.OccurredAt == row.OccurredAt);

    private protected async Task<WriteCounts> ScoreAsync(
        IReadOnlyList<Transaction> rows, Stores? stores = null, Settings? settings = null, IReadOnlyList<Command>? commands = null)
    {
        stores ??= Stores;
        settings ??= s_settings;
        var scorer = new BatchScorer(
            stores.Scoring, s_ids, settings, TestTelemetry.Create(Time), Time, new ScoringEvents(), new CurrentModel(stores.Learning, settings),
            followUp: new CommandFollowUp(
                stores.Retention, stores.Learning, Erasure(stores), stores.Progress, stores.Destinations, Time,
                Microsoft.Extensions.Logging.Abstractions.NullLogger<CommandFollowUp>.Instance));
        var delivery = new Delivery(new AnyMessage { Id = "m", Body = new MessageBody("{}"), InsertedAt = Sample.Noon, DequeueCount = 1 });
        delivery.Transactions.AddRange(rows);
        delivery.Commands.AddRange(commands ?? []);
        return (await scorer.ScoreAsync([delivery], new FakeLeases(), Token)).Counts;
    }

    private protected async Task<AuditCounts> AuditAsync()
    {
        List<string> differences = [];
        AuditCounts counts = await new StateAudit(Stores.Learning).VerifyAsync(
            (userId, found) => differences.AddRange(found.Select(line => $"{userId}: {line}")), Token);
        Assert.Empty(differences);
        return counts;
    }

    // Queues of this database's own, which have nothing of anybody.
    private UserErasure Erasure(Stores stores)
    {
        var queues = new Queues(Queue("inbound"), Queue("poison"), Queue("alerts"));
        return new UserErasure(stores.Retention, new PoisonErasure(stores.Poison, queues, s_ids), queues);

        EmbeddedQueue Queue(string name) => new(_folder, name, Time, new DependencyStatus("queue"));
    }

    private static WriteCounts Without(WriteCounts counts) => counts with { Alerts = 0 };

    // Amounts of some users in two categories, now and then a refund and a large one; with standing amounts every seventh row.
    private static Transaction[] Spending(int users, int rows, bool standing = false)
    {
        var random = new Random(7);
        return
        [
            .. Enumerable.Range(0, rows).Select(i =>
            {
                long user = 1 + (i % users);
                double amount = Math.Exp(3 + (0.1 * user) + (0.4 * random.NextDouble())) * (i % 41 == 40 ? 30 : 1) * (i % 17 == 16 ? -1 : 1);
                amount = standing && i % 7 == 0 ? 700 : amount;
                DateTime at = Sample.Noon.AddHours(5 * i);
                return new Transaction(
                    s_ids.NewId(), user, 1 + (i / users % 2), Money.FromDecimal(Math.Round((decimal)amount, 2)), at, at.AddSeconds(1));
            }),
        ];
    }
}

public sealed class SqliteLearningTests(SqliteFixture fixture) : LearningContract(fixture), IClassFixture<SqliteFixture>;

[Needs(Outside.SqlServer)]
public sealed class SqlServerLearningTests(SqlServerFixture fixture) : LearningContract(fixture), IClassFixture<SqlServerFixture>;
