using FinanceIngest.Results;
using FinanceIngest.Tests.Support;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Storage;

/// <summary>Every store decides as <see cref="RepeatRule"/> does, whether it calls the rule or repeats it in SQL.</summary>
public abstract class RepeatConflictsContract(StoreFixture fixture) : StoreContract(fixture)
{
    private static readonly Guid s_id = Guid.NewGuid();

    private static readonly TransactionResult s_given = Sample.Scored(s_id);

    private static readonly TransactionResult s_filledIn = s_given with { OccurredAt = s_given.AcceptedAt };

    private static readonly Dictionary<string, (TransactionResult Row, TransactionResult Repeat)> s_repeats = new()
    {
        ["the same"] = (s_given, s_given),
        ["accepted later"] = (s_given, s_given with { AcceptedAt = s_given.AcceptedAt!.Value.AddHours(1) }),
        ["another score"] = (s_given, s_given with { ZScore = 2.5, ScoredAt = Sample.Noon.AddDays(1) }),
        ["another amount"] = (s_given, s_given with { Amount = new Money(s_given.Amount!.Value.Units + 1) }),
        ["another user"] = (s_given, s_given with { UserId = 400 }),
        ["another category"] = (s_given, s_given with { CategoryId = 2311 }),
        ["another time"] = (s_given, s_given with { OccurredAt = Sample.Noon.AddTicks(10) }),
        ["no time, then one"] = (s_filledIn, s_given),
        ["a time, then none"] = (s_given, s_filledIn),
        ["no time twice"] = (s_filledIn, s_filledIn with { OccurredAt = Sample.Noon.AddHours(1), AcceptedAt = Sample.Noon.AddHours(1) }),
        ["no time, another amount"] = (s_filledIn, s_given with { Amount = new Money(1) }),
    };

    [Fact]
    public async Task Of_one_id_a_hundred_conflicts_are_kept_and_those_beyond_are_counted_on_the_newest()
    {
        await WriteAsync(s_given);
        await WriteAsync(Sample.Scored());

        TransactionResult[] flood =
            [.. Enumerable.Range(1, 250).Select(i => s_given with { Amount = new Money(i), AcceptedAt = s_given.AcceptedAt!.Value.AddSeconds(i) })];
        WriteCounts first = await WriteAsync(flood);
        WriteCounts second = await WriteAsync([.. flood.Take(30).Select(repeat => repeat with { CategoryId = 1 })]);

        Assert.Equal((250, 30), (first.Conflicts, second.Conflicts));
        Assert.Equal(RepeatRule.MostKept, await Fixture.CountRowsAsync("repeat_conflicts"));
        Assert.Equal(180, await Fixture.CountRowsAsync("(SELECT sum(beyond) AS beyond FROM repeat_conflicts) b WHERE b.beyond = 180") * 180);
    }

    public static TheoryData<string> Repeats => [.. s_repeats.Keys];

    [Theory]
    [MemberData(nameof(Repeats))]
    public async Task A_repeat_is_a_conflict_when_the_rule_says_so(string name)
    {
        (TransactionResult row, TransactionResult repeat) = s_repeats[name];
        await WriteAsync(row);

        WriteCounts counts = await WriteAsync(repeat);

        int expected = RepeatRule.Differs(row, repeat) ? 1 : 0;
        Assert.True(counts == new WriteCounts(Written: 0, Repeats: 1, expected, Alerts: 0), $"{name}: {counts}");
        Assert.Equal(expected, await Fixture.CountRowsAsync("repeat_conflicts"));
        Assert.Equal(row, await GetAsync(s_id));
    }

    [Fact]
    public async Task A_conflict_is_recorded_once()
    {
        TransactionResult other = s_given with { Amount = new Money(1) };
        await WriteAsync(s_given);

        WriteCounts first = await WriteAsync(other, other);
        WriteCounts redelivered = await WriteAsync(other);

        Assert.Equal(1, first.Conflicts);
        Assert.Equal(0, redelivered.Conflicts);
        Assert.Equal(1, await Fixture.CountRowsAsync("repeat_conflicts"));
    }

    [Fact]
    public async Task Every_different_conflict_of_an_id_is_recorded()
    {
        await WriteAsync(s_given);

        WriteCounts counts = await WriteAsync(s_given with { Amount = new Money(1) }, s_given with { Amount = new Money(2) }, Sample.Scored());

        Assert.Equal(new WriteCounts(Written: 1, Repeats: 2, Conflicts: 2, Alerts: 0), counts);
    }

    [Fact]
    public async Task A_failed_repeat_is_no_conflict_and_neither_is_the_redrive_of_a_failed_row()
    {
        await WriteAsync(Sample.Failed(s_id) with { UserId = 1 });

        WriteCounts redriven = await WriteAsync(s_given);
        WriteCounts failed = await WriteAsync(Sample.Failed(s_id) with { UserId = 1 });

        Assert.Equal(0, redriven.Conflicts);
        Assert.Equal(0, failed.Conflicts);
        Assert.Equal(0, await Fixture.CountRowsAsync("repeat_conflicts"));
    }
}

public sealed class SqliteRepeatConflictsTests(SqliteFixture fixture) : RepeatConflictsContract(fixture), IClassFixture<SqliteFixture>;

[Needs(Outside.SqlServer)]
public sealed class SqlServerRepeatConflictsTests(SqlServerFixture fixture) : RepeatConflictsContract(fixture), IClassFixture<SqlServerFixture>;
