using System.Collections.Concurrent;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using Microsoft.Data.Sqlite;

namespace FinanceIngest.Sqlite;

/// <summary>
/// One SQLite file. Reads run on pooled sessions, all writes of this process through one <see cref="SqliteWriter"/>. Several processes may use the
/// file at once.
/// </summary>
/// <remarks>
/// The file is in WAL mode with synchronous=FULL: a commit that was reported is on the disk (https://sqlite.org/pragma.html#pragma_synchronous),
/// unless the caller said that its write need not outlive a loss of power.
/// </remarks>
internal sealed class SqliteFile : IDisposable
{
    // The writer's page cache in KiB: it holds the inner pages of the indexes of millions of rows.
    private const int WriterCache = 16 * 1024;

    // Pages in the write-ahead log, 32 MiB, before SQLite copies it into the file: a page that was rewritten meanwhile is copied once, and the fsyncs of
    // the copy are fewer.
    private const int CheckpointPages = 8 * 1024;

    private const int PageSize = 4 * 1024;

    // How long SQLite waits for another process's lock before a statement fails with SQLITE_BUSY.
    private const int LockTimeoutSeconds = Deadlines.SqliteLockSeconds;

    /// <summary><c>busy_timeout</c> of every session.</summary>
    internal const int LockTimeoutMilliseconds = LockTimeoutSeconds * 1000;

    private readonly string _connectionString;
    private readonly string _openString;
    private readonly bool _isDrained;
    private readonly Lock _gate = new();
    private readonly Action<SqliteSession> _createSchema;
    private readonly ConcurrentBag<SqliteSession> _readers = [];
    private Lazy<SqliteWriter>? _writer;
    private bool _disposed;

    /// <param name="path">The file. The first use creates it and its folder.</param>
    /// <param name="createSchema">Brings the schema up to date when this process first opens the file, in one write transaction.</param>
    /// <param name="isDrained">
    /// Whether what is in a file that was deleted under this process is still worth reading and removing, as with a queue: durable writes fail all the same.
    /// </param>
    public SqliteFile(string path, Action<SqliteSession> createSchema, bool isDrained = false)
    {
        _isDrained = isDrained;
        Path = path;
        _createSchema = createSchema;
        _connectionString = new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString();

        // Beside a file that is open, no other is made: it would be empty, and mixed up with the first one's log.
        _openString = new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, Mode = SqliteOpenMode.ReadWrite }.ToString();
    }

    /// <summary>Full path.</summary>
    public string Path { get; }

    /// <summary>The failure of a file that is no longer at its path; null while it is, and before this process has opened it.</summary>
    public MovedFileException? Moved
    {
        get
        {
            Lazy<SqliteWriter>? writer = Volatile.Read(ref _writer);
            return writer is { IsValueCreated: true } && writer.Value.HasMoved ? new MovedFileException(Path) : null;
        }
    }

    /// <summary>Runs a read on a session that no other read uses meanwhile, off the caller's thread.</summary>
    /// <exception cref="SqliteException">The file can't be read.</exception>
    public Task<T> ReadAsync<T>(Func<SqliteSession, T> read, CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            SqliteWriter writer = Writer();
            bool isOpen = _readers.TryTake(out SqliteSession? idle);
            if (isOpen ? idle!.HasMoved : writer.HasMoved)
            {
                if (isOpen)
                {
                    _readers.Add(idle!);
                }

                return _isDrained ? writer.RunAsync(read, isDurable: false, null, isLong: false, cancellationToken) : throw new MovedFileException(Path);
            }

            SqliteSession session = idle ?? OpenSession(_openString);
            try
            {
                T result = read(session);
                _readers.Add(session);
                return Task.FromResult(result);
            }
            catch
            {
                // A connection is not used again after an I/O error, and other failures are rare.
                session.Dispose();
                throw;
            }
        },
        cancellationToken);

    /// <summary>
    /// Runs a write and completes once it is committed to the disk. Writes that arrive together share one commit; each
    /// succeeds or fails by itself. <paramref name="write"/> may run twice and must have no effects outside the database.
    /// </summary>
    /// <param name="write">The write.</param>
    /// <param name="cancellationToken">Cancels the write while it waits for its turn.</param>
    /// <param name="isDurable">False: the write survives the end of the process, but a loss of power may undo it.</param>
    /// <param name="beforeCommit">Runs as the last thing before the commit; an exception from it undoes the write.</param>
    /// <param name="isLong">Whether the write takes some milliseconds: other writes go before it.</param>
    /// <exception cref="SqliteException">The write, or its commit, failed; nothing of it remains.</exception>
    public Task<T> WriteAsync<T>(
        Func<SqliteSession, T> write, CancellationToken cancellationToken, bool isDurable = true, Action? beforeCommit = null, bool isLong = false)
    {
        return Volatile.Read(ref _writer) is { IsValueCreated: true } open
            ? open.Value.RunAsync(write, isDurable, beforeCommit, isLong, cancellationToken)
            : Task.Run(() => Writer().RunAsync(write, isDurable, beforeCommit, isLong, cancellationToken), cancellationToken);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Lazy<SqliteWriter>? writer;
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            writer = _writer;
        }

        try
        {
            writer?.Value.Dispose();
        }
        catch (Exception e) when (e is SqliteException or IOException or UnauthorizedAccessException or StoreUnavailableException)
        {
            // The opening was under way and has failed: there is nothing to close.
        }

        while (_readers.TryTake(out SqliteSession? reader))
        {
            reader.Dispose();
        }
    }

    // There is one opening at a time, and all callers that wait for it share its failure. If each opened the file anew, callers of a file that another
    // process has locked would wait out the lock's time-out one after the other.
    private SqliteWriter Writer()
    {
        Lazy<SqliteWriter> writer;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            writer = _writer ??= new Lazy<SqliteWriter>(Open);
        }

        try
        {
            return writer.Value;
        }
        catch
        {
            // The next use tries again.
            Interlocked.CompareExchange(ref _writer, null, writer);
            throw;
        }
    }

    private SqliteWriter Open()
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(Path)!);
        SqliteSession session = OpenSession(_connectionString);
        try
        {
            session.Run(FormattableString.Invariant($"PRAGMA cache_size = -{WriterCache}"));
            session.InTransaction(() => _createSchema(session));
        }
        catch
        {
            session.Dispose();
            throw;
        }

        return new SqliteWriter(session, Path, new SqliteLog(Path, session));
    }

    private static SqliteSession OpenSession(string connectionString)
    {
        var connection = new SqliteConnection(connectionString);
        try
        {
            connection.Open();
            var session = new SqliteSession(connection);
            session.Run(FormattableString.Invariant($"PRAGMA busy_timeout = {LockTimeoutMilliseconds}"));
            SqliteLog.SwitchOn(session, TimeSpan.FromMilliseconds(LockTimeoutMilliseconds), TimeProvider.System, Thread.Sleep);
            session.SetDurable(true);
            session.Run(FormattableString.Invariant($"PRAGMA wal_autocheckpoint = {CheckpointPages}"));
            session.Run(FormattableString.Invariant($"PRAGMA journal_size_limit = {CheckpointPages * PageSize}"));
            session.Run("PRAGMA temp_store = MEMORY");
            return session;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }
}
