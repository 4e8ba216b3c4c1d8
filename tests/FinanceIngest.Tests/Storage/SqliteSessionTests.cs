using FinanceIngest.Sqlite;
using FinanceIngest.Tests.Support;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Time.Testing;

namespace FinanceIngest.Tests.Storage;

/// <summary>A session reads back every value that it binds, and runs a statement again after a failure.</summary>
public sealed class SqliteSessionTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    private readonly TemporaryFolder _folder = new();
    private readonly SqliteSession _session;

    public SqliteSessionTests()
    {
        _session = new SqliteSession(Open());
        _session.Run("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT UNIQUE); CREATE TABLE child (item INTEGER NOT NULL CHECK (item > 0));");
    }

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("Überweisung 💸")]
    [InlineData("before\0after")]
    public void A_text_comes_back_as_it_was_bound(string text)
    {
        foreach (string some in new[] { text, text + new string('é', 300) })
        {
            Assert.Equal((some, "text"), _session.Single("SELECT ?1, typeof(?1)", row => (row.GetString(0), row.GetString(1)), some));
        }
    }

    [Fact]
    public void Numbers_ids_instants_and_blobs_come_back_as_they_were_bound()
    {
        var id = Guid.Parse("0193a8c7-1b2c-7d3e-8f40-a1b2c3d4e5f6");
        var at = new DateTime(2026, 11, 22, 19, 2, 28, 123, 456, DateTimeKind.Utc);
        Assert.Equal(
            (long.MinValue, -0.1, id, at, "0193A8C71B2C7D3E8F40A1B2C3D4E5F6", "2026-11-22T19:02:28.123456Z"),
            _session.Single(
                "SELECT ?1, ?2, ?3, ?4, hex(?3)",
                row => (row.GetInt64(0), row.GetDouble(1), row.GetGuid(2), row.GetTime(3), row.GetString(4), row.GetString(3)),
                long.MinValue, -0.1, id, at));
        foreach (byte[] bytes in new byte[][] { [], [0, 1, 255] })
        {
            Assert.Equal(bytes, _session.Single("SELECT ?1", row => row.GetBlobOrNull(0), bytes));
        }

        Assert.Null(_session.Single("SELECT 'a text'", row => row.GetBlobOrNull(0)));
    }

    [Fact]
    public void A_missing_value_is_NULL_and_only_the_members_for_it_read_it()
    {
        const string Select = "SELECT ?1, ?2, ?3, ?4, ?5";
        SqliteValue[] missing = [(long?)null, (double?)null, (string?)null, (byte[]?)null, (DateTime?)null];
        Assert.Equal(
            (null, null, null, null, null),
            _session.Single(
                Select, row => (row.GetInt64OrNull(0), row.GetDoubleOrNull(1), row.GetStringOrNull(2), row.GetBlobOrNull(3), row.GetTimeOrNull(4)), missing));
        Assert.Throws<InvalidOperationException>(() => _session.Single(Select, row => row.GetInt64(0), missing));
        Assert.Throws<InvalidOperationException>(() => _session.Single(Select, row => row.GetDouble(0), missing));
        Assert.Throws<InvalidOperationException>(() => _session.Single(Select, row => row.GetString(0), missing));
        Assert.Equal((0, 0.0), _session.Single("SELECT 0, 0.0", row => (row.GetInt64(0), row.GetDouble(1))));
    }

    [Fact]
    public void Too_few_or_too_many_values_are_refused_although_the_statement_has_older_ones()
    {
        Assert.Equal(1, _session.Execute("INSERT INTO item (id, name) VALUES (?1, ?2)", 1, "one"));
        Assert.Throws<ArgumentException>(() => _session.Execute("INSERT INTO item (id, name) VALUES (?1, ?2)", 2));
        Assert.Throws<ArgumentException>(() => _session.Execute("INSERT INTO item (id, name) VALUES (?1, ?2)", 2, "two", "three"));
        Assert.Equal(1, _session.Number("SELECT count(*) FROM item"));
    }

    [Theory]
    [InlineData("INSERT INTO item (id) VALUES (1); INSERT INTO item (id) VALUES (2)")]
    [InlineData("-- no statement")]
    public void A_text_that_is_not_one_statement_is_refused_rather_than_half_run(string sql)
    {
        Assert.Throws<ArgumentException>(() => _session.Execute(sql));
        Assert.Equal(0, _session.Number("SELECT count(*) FROM item"));
    }

    [Fact]
    public void A_script_runs_to_its_first_failure_which_it_reports()
    {
        SqliteException failure = Assert.Throws<SqliteException>(
            () => _session.Run("INSERT INTO item (id) VALUES (1); INSERT INTO child VALUES (0); INSERT INTO item (id) VALUES (2)"));
        Assert.Equal((19, 275), (failure.SqliteErrorCode, failure.SqliteExtendedErrorCode));
        Assert.Equal(1, _session.Number("SELECT count(*) FROM item"));
    }

    [Fact]
    public void A_failure_has_the_extended_code_and_its_statement_runs_again()
    {
        const string Insert = "INSERT INTO item (name) VALUES (?1)";
        Assert.Equal(1, _session.Execute(Insert, "one"));
        SqliteException failure = Assert.Throws<SqliteException>(() => _session.Execute(Insert, "one"));
        Assert.Equal((19, 2067), (failure.SqliteErrorCode, failure.SqliteExtendedErrorCode));
        Assert.Contains("item.name", failure.Message, StringComparison.Ordinal);
        Assert.Equal(1, _session.Execute(Insert, "two"));
    }

    [Fact]
    public void A_reader_that_throws_leaves_no_lock_and_its_statement_runs_again()
    {
        const string Select = "SELECT name FROM item";
        _session.Run("PRAGMA journal_mode = WAL; INSERT INTO item (name) VALUES ('one'), ('two')");
        Assert.Throws<NotSupportedException>(() => _session.Query<string>(Select, _ => throw new NotSupportedException()));
        Assert.Throws<NotSupportedException>(() => _session.Single<string>(Select, _ => throw new NotSupportedException()));

        // A statement that was not reset would keep its read transaction open, and the log could not be emptied.
        Assert.Equal(0, _session.Number("PRAGMA wal_checkpoint(TRUNCATE)"));
        Assert.Equal(["one", "two"], _session.Query(Select, row => row.GetString(0)));
    }

    [Fact]
    public void The_first_row_of_several_is_read_and_all_of_them_are_written()
    {
        Assert.Equal(1, _session.Number("INSERT INTO item (id) VALUES (1), (2), (3) RETURNING id"));
        Assert.Equal(2, _session.FirstOrDefault("SELECT id FROM item WHERE id > ?1 ORDER BY id", row => row.GetInt64(0), 1));
        Assert.Equal(0, _session.FirstOrDefault("SELECT id FROM item WHERE id > ?1", row => row.GetInt64(0), 3));
        Assert.Throws<InvalidOperationException>(() => _session.Number("SELECT id FROM item WHERE id > 3"));
        Assert.Equal(3, _session.Execute("DELETE FROM item"));
    }

    [Fact]
    public void Durability_changes_each_time_it_is_set()
    {
        _session.SetDurable(true);
        foreach (bool isDurable in new[] { false, true, false, true })
        {
            _session.SetDurable(isDurable);
            Assert.Equal(isDurable ? 2 : 1, _session.Number("PRAGMA synchronous"));
        }
    }

    [Fact]
    public void The_switch_to_WAL_outlasts_another_process_that_is_creating_the_file()
    {
        // SQLite's busy time-out applies to other locks, but not to the lock that the switch needs.
        _session.Run("PRAGMA busy_timeout = 600000");
        using var other = new SqliteSession(Open());
        other.Begin();
        int waits = 0;

        SqliteLog.SwitchOn(_session, s_patience, new FakeTimeProvider(), _ =>
        {
            waits++;
            other.FinishTransaction(() => other.Execute("INSERT INTO item (id) VALUES (1)"));
        });

        Assert.Equal(1, waits);
        Assert.Equal("wal", _session.Single("PRAGMA journal_mode", row => row.GetString(0)));
        Assert.Equal(1, _session.Number("SELECT count(*) FROM item"));
    }

    [Fact]
    public void The_switch_to_WAL_gives_up_when_its_patience_ends()
    {
        using var other = new SqliteSession(Open());
        other.Begin();
        var time = new FakeTimeProvider();
        DateTimeOffset start = time.GetUtcNow();

        SqliteException failure = Assert.Throws<SqliteException>(() => SqliteLog.SwitchOn(_session, s_patience, time, time.Advance));

        Assert.Equal((5, s_patience), (failure.SqliteErrorCode, time.GetUtcNow() - start));
    }

    public void Dispose()
    {
        _session.Dispose();
        _folder.Dispose();
    }

    private SqliteConnection Open()
    {
        var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder { DataSource = Path.Combine(_folder.Path, "session.db"), Pooling = false }.ToString());
        connection.Open();
        return connection;
    }
}
