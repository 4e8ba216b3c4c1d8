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
    // The writer's page cache in KiB: it holds the inner pages of the indexes of millions of rows. What is drained is written, read once and deleted, so that
    // pages that were used lately are of no further use.
    private const int WriterCache = 12 * 1024;
    private const int DrainedWriterCache = 2 * 1024;

    // Pages in the write-ahead log, 32 MiB, before SQLite copies it into the file: a page that was rewritten meanwhile is copied once, and the fsyncs of
    // the copy are fewer.
    private const int CheckpointPages = 8 * 1024;

    private const int PageSize = 4 * 1024;

    // How long SQLite waits for another process's lock before a statement fails with SQLITE_BUSY.
    private const int LockTimeoutSeconds = Deadlines.SqliteLockSeconds;

    /// <summary>Name of the file that stands in a data directory while a restore replaces its files one after the other.</summary>
    internal const string HalfRestored = "restore.incomplete";

    // Pages, 16 MiB, that are overwritten in one transaction: other writes wait for it no longer than for a long one of their own.
    private const int OverwrittenAtOnce = 4 * 1024;

    /// <summary><c>busy_timeout</c> of every session.</summary>
    internal const int LockTimeoutMilliseconds = LockTimeoutSeconds * 1000;

    private readonly string _connectionString;
    private readonly string _openString;
    private readonly SqliteMark _mark;
    private readonly bool _isDrained;
    private readonly Lock _gate = new();
    private readonly Action<SqliteSession> _createSchema;
    private readonly Action<SqliteSession>? _checkSchema;
    private readonly ConcurrentBag<SqliteSession> _readers = [];
    private Lazy<SqliteWriter>? _writer;
    private bool _disposed;

    /// <param name="path">The file. The first use creates it and its folder.</param>
    /// <param name="mark">What the file is. A file with tables and another mark is refused, and is not changed.</param>
    /// <param name="createSchema">Brings the schema up to date when this process first opens the file, in transactions of its own.</param>
    /// <param name="checkSchema">
    /// Null: this process may write. Otherwise it only reads, and this refuses a file whose schema it does not know: nothing is made or upgraded, and a file
    /// that is not there reads as an empty one.
    /// </param>
    /// <param name="isDrained">
    /// Whether all that is written is soon deleted, as in a queue. Deleted pages are then overwritten by <see cref="ForgetDeletedAsync"/> alone. What is in
    /// such a file is still worth reading and removing when it was deleted under this process: durable writes fail all the same.
    /// </param>
    public SqliteFile(
        string path, SqliteMark mark, Action<SqliteSession> createSchema, Action<SqliteSession>? checkSchema = null, bool isDrained = false)
    {
        _ = SqliteEngine.IsMultiThread;
        _mark = mark;
        _isDrained = isDrained;
        Path = path;
        _createSchema = createSchema;
        _checkSchema = checkSchema;
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

    /// <summary>Runs a read on a session that no other read uses meanwhile.</summary>
    /// <param name="read">The read.</param>
    /// <param name="cancellationToken">Cancels the read while it waits for a thread.</param>
    /// <param name="onThisThread">Whether the read is so short that the caller's thread runs it itself, once the file is open.</param>
    /// <exception cref="SqliteException">The file can't be read.</exception>
    public Task<T> ReadAsync<T>(Func<SqliteSession, T> read, CancellationToken cancellationToken, bool onThisThread = false)
    {
        if (!onThisThread || cancellationToken.IsCancellationRequested || Volatile.Read(ref _writer) is not { IsValueCreated: true })
        {
            return Task.Run(() => ReadHereAsync(read, cancellationToken), cancellationToken);
        }

        try
        {
            return ReadHereAsync(read, cancellationToken);
        }
        catch (Exception e)
        {
            return Task.FromException<T>(e);
        }
    }

    private Task<T> ReadHereAsync<T>(Func<SqliteSession, T> read, CancellationToken cancellationToken)
    {
        bool isOpen = _readers.TryTake(out SqliteSession? idle);
        if (_checkSchema is null && (isOpen ? idle!.HasMoved : Writer().HasMoved))
        {
            if (isOpen)
            {
                _readers.Add(idle!);
            }

            return _isDrained
                ? Writer().RunAsync(read, isDurable: false, null, isLong: false, onThisThread: false, cancellationToken)
                : throw new MovedFileException(Path);
        }

        SqliteSession session = idle ?? (_checkSchema is null ? OpenSession(_openString) : OpenForReading(_checkSchema));
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
    }

    /// <summary>
    /// Runs a write and completes once it is committed to the disk. Writes that arrive together share one commit; each
    /// succeeds or fails by itself. <paramref name="write"/> may run twice and must have no effects outside the database.
    /// </summary>
    /// <param name="write">The write.</param>
    /// <param name="cancellationToken">Cancels the write while it waits for its turn.</param>
    /// <param name="isDurable">False: the write survives the end of the process, but a loss of power may undo it.</param>
    /// <param name="beforeCommit">Runs as the last thing before the commit; an exception from it undoes the write.</param>
    /// <param name="isLong">Whether the write takes some milliseconds: other writes go before it.</param>
    /// <param name="onThisThread">
    /// Whether the caller's thread may run the write while no other write is under way. The call then returns after the commit, an fsync included, which for a
    /// write that comes alone saves two changes of threads. Callers that begin several writes at once leave it out, so that these share a commit.
    /// </param>
    /// <exception cref="SqliteException">The write, or its commit, failed; nothing of it remains.</exception>
    public Task<T> WriteAsync<T>(
        Func<SqliteSession, T> write, CancellationToken cancellationToken, bool isDurable = true, Action? beforeCommit = null, bool isLong = false,
        bool onThisThread = false)
    {
        return Volatile.Read(ref _writer) is { IsValueCreated: true } open
            ? open.Value.RunAsync(write, isDurable, beforeCommit, isLong, onThisThread, cancellationToken)
            : Task.Run(() => Writer().RunAsync(write, isDurable, beforeCommit, isLong, onThisThread: false, cancellationToken), cancellationToken);
    }

    /// <summary>
    /// Makes what was deleted unreadable: pages that became free in a drained file are overwritten, and the log, which holds pages as they were, is copied
    /// into the file and cut to nothing.
    /// </summary>
    /// <param name="cancellationToken">Abandons the call between two of its transactions.</param>
    /// <returns>
    /// False: other programs read, write or delete all the time, so that the log could not be cut or free pages are left; the call has to be repeated.
    /// </returns>
    /// <exception cref="SqliteException">The file can't be written.</exception>
    public Task<bool> ForgetDeletedAsync(CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            if (!File.Exists(Path))
            {
                return true;
            }

            using SqliteSession session = OpenSession(_openString);
            bool isOverwritten = !_isDrained || OverwriteFree(session, cancellationToken);

            // The first column is 1 if a reader or writer was in the way for longer than the time-out.
            return session.Number("PRAGMA wal_checkpoint(TRUNCATE)") == 0 && isOverwritten;
        },
        cancellationToken);

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
        if (_checkSchema is not null)
        {
            throw new InvalidOperationException("This process only reads, and so it may not write.");
        }

        RefuseHalfRestored();
        PrivateFiles.CreateFolder(System.IO.Path.GetDirectoryName(Path)!);

        // SQLite gives the log and the shared memory beside the file the file's own mode.
        PrivateFiles.Ensure(Path);
        PrivateFiles.TryNarrow(Path + "-wal");
        PrivateFiles.TryNarrow(Path + "-shm");
        SqliteSession session = OpenSession(_connectionString);
        try
        {
            session.Run(FormattableString.Invariant($"PRAGMA cache_size = -{(_isDrained ? DrainedWriterCache : WriterCache)}"));
            if (IsEmpty(session))
            {
                session.InTransaction(() => MarkIfEmpty(session));
            }

            _createSchema(session);
        }
        catch
        {
            session.Dispose();
            throw;
        }

        return new SqliteWriter(session, Path, new SqliteLog(Path, session));
    }

    // Another program may have made its tables since this one looked.
    private void MarkIfEmpty(SqliteSession session)
    {
        if (IsEmpty(session))
        {
            _mark.Write(session);
        }
    }

    private static bool IsEmpty(SqliteSession session) => session.Number("SELECT count(*) FROM sqlite_master") == 0;

    // SQLite hands out free pages before it lengthens the file, so zeros that take every free page overwrite what was there. False: others free pages as fast.
    private static bool OverwriteFree(SqliteSession session, CancellationToken cancellationToken)
    {
        session.Run("CREATE TABLE IF NOT EXISTS overwritten (zeros BLOB NOT NULL)");
        long free = session.Number("PRAGMA freelist_count");
        for (long left = 2 * free; free > 0 && left > 0; left -= OverwrittenAtOnce)
        {
            cancellationToken.ThrowIfCancellationRequested();
            long bytes = Math.Min(free, OverwrittenAtOnce) * PageSize;
            session.InTransaction(() => session.Execute("INSERT INTO overwritten (zeros) VALUES (zeroblob(?1))", bytes));
            free = session.Number("PRAGMA freelist_count");
        }

        session.Run("DROP TABLE overwritten");
        return free == 0;
    }

    private void RefuseHalfRestored()
    {
        string marker = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(Path)!, HalfRestored);
        if (File.Exists(marker))
        {
            throw new IOException($"a restore into this directory was interrupted ({marker} says so); run \"finance-ingest restore\" again.");
        }
    }

    // The file is opened for writing, since a reader of a write-ahead log takes part in its locks, and the last one to leave clears the log away.
    private SqliteSession OpenForReading(Action<SqliteSession> checkSchema)
    {
        RefuseHalfRestored();
        SqliteSession? session = File.Exists(Path)
            ? OpenPlain(new SqliteConnectionStringBuilder { DataSource = Path, Pooling = false, Mode = SqliteOpenMode.ReadWrite })
            : null;
        try
        {
            if (session is not null && !IsEmpty(session))
            {
                _mark.Require(session, Path);
                checkSchema(session);
                return session;
            }

            // The file is not there, or its first program has not got further than making it.
            session?.Dispose();
            session = null;
            session = OpenPlain(new SqliteConnectionStringBuilder { DataSource = ":memory:", Pooling = false });
            _createSchema(session);
            return session;
        }
        catch
        {
            session?.Dispose();
            throw;
        }
    }

    private static SqliteSession OpenPlain(SqliteConnectionStringBuilder source)
    {
        SqliteLibrary.Require();
        var connection = new SqliteConnection(source.ToString());
        try
        {
            connection.Open();
            var session = new SqliteSession(connection);
            session.Run(FormattableString.Invariant($"PRAGMA busy_timeout = {LockTimeoutMilliseconds}"));
            session.Run("PRAGMA temp_store = MEMORY");
            return session;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private SqliteSession OpenSession(string connectionString)
    {
        SqliteLibrary.Require();
        var connection = new SqliteConnection(connectionString);
        try
        {
            connection.Open();
            var session = new SqliteSession(connection);
            session.Run(FormattableString.Invariant($"PRAGMA busy_timeout = {LockTimeoutMilliseconds}"));

            // A file that is not of this system is left as it is, its journal mode included.
            if (!IsEmpty(session))
            {
                _mark.Require(session, Path);
            }

            SqliteLog.SwitchOn(session, TimeSpan.FromMilliseconds(LockTimeoutMilliseconds), TimeProvider.System, Thread.Sleep);
            session.SetDurable(true);
            session.Run(FormattableString.Invariant($"PRAGMA wal_autocheckpoint = {CheckpointPages}"));
            session.Run(FormattableString.Invariant($"PRAGMA journal_size_limit = {CheckpointPages * PageSize}"));
            session.Run("PRAGMA temp_store = MEMORY");

            // What is deleted is overwritten in the file, and not only forgotten: whoever was erased must not be found there. FAST leaves out pages that
            // become free as a whole, which would be written once more for it (https://sqlite.org/pragma.html#pragma_secure_delete).
            session.Run(_isDrained ? "PRAGMA secure_delete = FAST" : "PRAGMA secure_delete = ON");
            return session;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }
}
