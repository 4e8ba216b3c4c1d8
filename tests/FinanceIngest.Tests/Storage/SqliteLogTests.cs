using FinanceIngest.Sqlite;
using FinanceIngest.Tests.Support;
using Microsoft.Data.Sqlite;

namespace FinanceIngest.Tests.Storage;

/// <summary>The write-ahead log of a database file stays small, whoever reads the file meanwhile.</summary>
public sealed class SqliteLogTests : IDisposable
{
    private const int Mebibyte = 1024 * 1024;
    private const long Bound = 64 * Mebibyte;

    private readonly TemporaryFolder _folder = new();
    private readonly SqliteFile _file;

    public SqliteLogTests() => _file = new SqliteFile(
        Path.Combine(_folder.Path, "log.db"),
        new SqliteMark(1, 1, "file", "numbers"),
        session => session.Execute("CREATE TABLE IF NOT EXISTS numbers (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL)"));

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private long LogLength => new FileInfo(_file.Path + "-wal").Length;

    [Fact]
    public async Task Readers_that_overlap_without_a_gap_do_not_let_the_log_grow()
    {
        await WriteAsync(1);
        using var stop = new CancellationTokenSource();
        var reading = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<int> readers = Task.Run(() => Read(reading, stop.Token), Token);
        await reading.Task;
        long largest = 0;
        for (int written = 0; written < 192; written++)
        {
            await WriteAsync(1);
            largest = Math.Max(largest, LogLength);
        }

        await stop.CancelAsync();
        Assert.True(await readers > 10);
        // The upper bound allows for attempts to empty the log that fail on a busy machine.
        Assert.InRange(largest, Mebibyte, 2 * Bound);
    }

    [Fact]
    public async Task A_reader_that_stays_keeps_the_log_and_no_writer_waits_long_for_it()
    {
        await WriteAsync(1);
        using SqliteConnection reader = OpenReader();
        Begin(reader);
        for (int written = 0; written < 80; written++)
        {
            await WriteAsync(1);
        }

        Assert.InRange(LogLength, 80L * Mebibyte, 96L * Mebibyte);
        Assert.Equal(1, Count(reader));

        // The reader has left. The writes that follow last until the next attempt to empty the log, which shrinks it.
        End(reader);
        for (int written = 0; written < 20; written++)
        {
            await WriteAsync(1);
        }

        Assert.InRange(LogLength, 0, Bound);
        Assert.Equal(101, await _file.ReadAsync(session => session.Number("SELECT count(*) FROM numbers"), Token));
    }

    [Fact]
    public void It_gives_its_room_back_when_nothing_is_written()
    {
        using SqliteSession session = new(Open());
        session.Execute("PRAGMA journal_mode = WAL");
        session.Execute("PRAGMA wal_autocheckpoint = 0");
        session.Execute("CREATE TABLE numbers (bytes BLOB NOT NULL)");
        session.Execute("INSERT INTO numbers VALUES (zeroblob(4000000))");
        var log = new SqliteLog(_file.Path, session);
        Assert.False(log.IsWorthShrinking);
        log.AfterCommit();
        Assert.True(log.IsWorthShrinking);

        log.Shrink();

        Assert.Equal(0, LogLength);
        Assert.False(log.IsWorthShrinking);
    }

    public void Dispose()
    {
        _file.Dispose();
        _folder.Dispose();
    }

    private Task<int> WriteAsync(int mebibytes) => _file.WriteAsync(
        session => session.Execute("INSERT INTO numbers (bytes) VALUES (randomblob(?1))", mebibytes * Mebibyte), Token, isDurable: false);

    private SqliteConnection OpenReader() => Open();

    private SqliteConnection Open()
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = _file.Path, Pooling = false }.ToString());
        connection.Open();
        return connection;
    }

    // Two connections take turns: each begins to read before the other ends, so at least one reads at any moment. A turn takes some milliseconds.
    private int Read(TaskCompletionSource reading, CancellationToken stop)
    {
        using SqliteConnection one = OpenReader();
        using SqliteConnection other = OpenReader();
        Begin(one);
        reading.SetResult();
        int reads = 1;
        for (; !stop.IsCancellationRequested; reads++)
        {
            (SqliteConnection next, SqliteConnection last) = reads % 2 == 0 ? (one, other) : (other, one);
            Begin(next);
            Execute(last, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT count(*) FROM n");
            End(last);
        }

        return reads;
    }

    private static void Begin(SqliteConnection reader)
    {
        Execute(reader, "BEGIN");
        Count(reader);
    }

    private static void End(SqliteConnection reader) => Execute(reader, "ROLLBACK");

    private static long Count(SqliteConnection reader) => (long)Execute(reader, "SELECT count(*) FROM numbers")!;

    private static object? Execute(SqliteConnection connection, string sql)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }
}
