using System.Collections.Concurrent;
using FinanceIngest.Sqlite;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Storage;

/// <summary>Which writes share a commit, and which do not.</summary>
public sealed class SqliteWriterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly SqliteFile _file;
    private readonly ConcurrentQueue<string> _order = new();

    public SqliteWriterTests() => _file = new SqliteFile(
        Path.Combine(_folder.Path, "writer.db"), new SqliteMark(1, 1, "file", "numbers"), session => session.Execute("CREATE TABLE IF NOT EXISTS numbers (id INTEGER PRIMARY KEY)"));

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
}
