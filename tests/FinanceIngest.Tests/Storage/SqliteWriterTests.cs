using System.Collections.Concurrent;
using FinanceIngest.Sqlite;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Storage;

/// <summary>Which writes share a commit, and which do not.</summary>
// How many callers write on their own threads at once is limited for the whole process.
[Collection(nameof(Alone))]
public sealed class SqliteWriterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly SqliteFile _file;
    private readonly ConcurrentQueue<string> _order = new();

    public SqliteWriterTests() => _file = new SqliteFile(
        Path.Combine(_folder.Path, "writer.db"),
        new SqliteMark(1, 1, "file", "numbers"),
        session => session.Execute("CREATE TABLE IF NOT EXISTS numbers (id INTEGER PRIMARY KEY)"));

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Short_writes_share_a_commit_and_long_ones_come_one_at_a_time_after_them()
    {
        using var release = new ManualResetEventSlim();
        var isHeld = new TaskCompletionSource();
        await WriteAsync("opens the file");
        _order.Clear();
        Task<int> holder = _file.WriteAsync(
            _ =>
            {
                isHeld.SetResult();
                release.Wait();
                return 0;
            },
            Token);
        await isHeld.Task;
        Task<int>[] writes =
        [
            WriteAsync("long 1", isLong: true),
            WriteAsync("long 2", isLong: true),
            WriteAsync("short 1"),
            WriteAsync("long 3", isLong: true),
            WriteAsync("short 2"),
        ];

        release.Set();
        await Task.WhenAll([holder, .. writes]);

        Assert.Equal(["short 1", "short 2", "long 1", "commit", "commit", "commit", "long 2", "commit", "long 3", "commit"], _order);
    }

    [Fact]
    public async Task A_long_write_that_fails_takes_nobody_with_it()
    {
        Task<int> failing = _file.WriteAsync<int>(_ => throw new InvalidOperationException("no"), Token, isLong: true);
        Task<int>[] others = [WriteAsync("long", isLong: true), WriteAsync("short")];

        await Assert.ThrowsAsync<InvalidOperationException>(() => failing);
        await Task.WhenAll(others);

        Assert.Equal(2, await _file.ReadAsync(session => session.Number("SELECT count(*) FROM numbers"), Token));
    }

    [Fact]
    public async Task The_end_waits_for_long_writes_that_were_handed_in()
    {
        await WriteAsync("opens the file");
        Task<int>[] writes = [.. Enumerable.Range(0, 20).Select(i => WriteAsync($"{i}", isLong: true))];

        await Task.Run(_file.Dispose, Token);

        await Task.WhenAll(writes);
    }

    [Fact]
    public async Task A_write_that_comes_alone_runs_on_its_callers_thread_where_that_is_allowed()
    {
        await WriteAsync("opens the file");
        int caller = Environment.CurrentManagedThreadId;

        Task<int> alone = _file.WriteAsync(InsertAndTellThread, Token, onThisThread: true);

        Assert.True(alone.IsCompletedSuccessfully);
        Assert.Equal(caller, await alone);
        Assert.NotEqual(caller, await _file.WriteAsync(InsertAndTellThread, Token));
        Assert.Equal(3, await CountAsync());
    }

    [Fact]
    public async Task While_another_write_is_under_way_no_caller_waits()
    {
        using var release = new ManualResetEventSlim();
        var isHeld = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await WriteAsync("opens the file");
        Task<int> holder = _file.WriteAsync(
            _ =>
            {
                isHeld.SetResult();
                release.Wait();
                return 0;
            },
            Token);
        await isHeld.Task;

        int caller = Environment.CurrentManagedThreadId;
        Task<int> second = _file.WriteAsync(InsertAndTellThread, Token, onThisThread: true);
        Assert.False(second.IsCompleted);
        release.Set();

        await holder;
        Assert.NotEqual(caller, await second);
    }

    [Fact]
    public async Task While_a_caller_runs_its_own_write_others_wait_for_their_turn()
    {
        await WriteAsync("opens the file");
        Task<int>? during = null;
        Task<int>? duringHere = null;

        Task<int> own = _file.WriteAsync(
            session =>
            {
                session.Execute("INSERT INTO numbers DEFAULT VALUES");
                during = _file.WriteAsync(InsertAndTellThread, Token);
                duringHere = _file.WriteAsync(InsertAndTellThread, Token, onThisThread: true);
                return 0;
            },
            Token,
            onThisThread: true);

        await own;
        await Task.WhenAll(during!, duringHere!);
        Assert.Equal(4, await CountAsync());
    }

    [Fact]
    public async Task A_failure_on_the_callers_thread_is_the_writes_own_and_leaves_nothing()
    {
        await WriteAsync("opens the file");

        Task<int> failing = _file.WriteAsync<int>(
            session =>
            {
                session.Execute("INSERT INTO numbers DEFAULT VALUES");
                throw new InvalidOperationException("no");
            },
            Token,
            onThisThread: true);
        Task<int> undone = _file.WriteAsync(
            InsertAndTellThread, Token, beforeCommit: () => throw new InvalidOperationException("not held"), onThisThread: true);

        await Assert.ThrowsAsync<InvalidOperationException>(() => failing);
        await Assert.ThrowsAsync<InvalidOperationException>(() => undone);
        await _file.WriteAsync(InsertAndTellThread, Token, onThisThread: true);
        Assert.Equal(2, await CountAsync());
    }

    [Fact]
    public async Task A_cancelled_write_on_the_callers_thread_does_nothing()
    {
        await WriteAsync("opens the file");

        Task<int> cancelled = _file.WriteAsync(InsertAndTellThread, new CancellationToken(canceled: true), onThisThread: true);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        Assert.Equal(1, await CountAsync());
    }

    [Fact]
    public async Task Writes_of_many_callers_on_their_own_threads_and_the_writers_are_all_done_once()
    {
        await WriteAsync("opens the file");
        await Task.WhenAll(Enumerable.Range(0, 8).Select(caller => Task.Run(async () =>
        {
            for (int i = 0; i < 50; i++)
            {
                await _file.WriteAsync(InsertAndTellThread, Token, isDurable: false, isLong: i % 7 == 0, onThisThread: (i + caller) % 2 == 0);
            }
        })));

        Assert.Equal(401, await CountAsync());
    }

    [Fact]
    public async Task After_the_end_no_caller_writes()
    {
        await WriteAsync("opens the file");
        _file.Dispose();

        await Assert.ThrowsAnyAsync<InvalidOperationException>(() => _file.WriteAsync(InsertAndTellThread, Token, onThisThread: true));
    }

    public void Dispose()
    {
        _file.Dispose();
        _folder.Dispose();
    }

    private Task<int> WriteAsync(string name, bool isLong = false) => _file.WriteAsync(
        session =>
        {
            _order.Enqueue(name);
            session.Execute("INSERT INTO numbers DEFAULT VALUES");
            return 0;
        },
        Token,
        beforeCommit: () => _order.Enqueue("commit"),
        isLong: isLong);

    private static int InsertAndTellThread(SqliteSession session)
    {
        session.Execute("INSERT INTO numbers DEFAULT VALUES");
        return Environment.CurrentManagedThreadId;
    }

    private Task<long> CountAsync() => _file.ReadAsync(session => session.Number("SELECT count(*) FROM numbers"), Token);
}
