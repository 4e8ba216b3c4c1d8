using System.Collections.Concurrent;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using Microsoft.Data.Sqlite;

namespace FinanceIngest.Sqlite;

/// <summary>
/// One SQLite file: reads on pooled sessions, all of this process's writes through one <see cref="SqliteWriter"/>. Several
/// processes may use the file at once.
/// </summary>
/// <remarks>
/// WAL with synchronous=FULL: a commit that was reported is on the disk (https://sqlite.org/pragma.html#pragma_synchronous), except where a
/// caller says that its write need not outlive a loss of power.
/// </remarks>
internal sealed class SqliteFile : IDisposable
{
    // The writer's page cache in KiB: inner pages of the indexes of millions of rows stay in it.
    private const int WriterCache = 16 * 1024;

    // Pages in the write-ahead log before it is copied into the file, 32 MiB: what is rewritten meanwhile is copied once, with one pair of fsyncs.
    private const int CheckpointPages = 8 * 1024;

    private const int PageSize = 4 * 1024;

    // How long another process's lock is waited for, by SQLite and then once more by its provider.
    private const int LockTimeoutSeconds = Deadlines.SqliteLockSeconds;

    /// <summary>The same in milliseconds, as each session has it from its opening.</summary>
    internal const int LockTimeoutMilliseconds = LockTimeoutSeconds * 1000;

    private readonly string _connectionString;
    private readonly Lock _gate = new();
    private readonly Action<SqliteSession> _createSchema;
    private readonly ConcurrentBag<SqliteSession> _readers = [];
    private Lazy<SqliteWriter>? _writer;
    private bool _disposed;

    /// <param name="path">The file; it and its folder are made at first use.</param>
    /// <param name="createSchema">Brings the schema up to date when this process first opens the file. Runs in one write transaction.</param>
    public SqliteFile(string path, Action<SqliteSession> createSchema)
    {
        Path = path;
        _createSchema = createSchema;
        _connectionString = new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, DefaultTimeout = LockTimeoutSeconds }.ToString();
    }

    /// <summary>Full path.</summary>
    public string Path { get; }

    /// <summary>Runs a read on a session of its own, off the caller's thread.</summary>
    /// <exception cref="SqliteException">The file can't be read.</exception>
    public Task<T> ReadAsync<T>(Func<SqliteSession, T> read, CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            _ = Writer();
            SqliteSession session = _readers.TryTake(out SqliteSession? idle) ? idle : OpenSession();
            try
            {
                T result = read(session);
                _readers.Add(session);
                return result;
            }
            catch
            {
                // After an I/O error a connection is not to be trusted.
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
    /// <param name="cancellationToken">Cancels it while it waits.</param>
    /// <param name="isDurable">False: it is safe from the end of the process, but a loss of power may undo it.</param>
    /// <param name="beforeCommit">Runs as the last thing before the commit; what it throws undoes the write.</param>
    /// <param name="isLong">Whether it takes some milliseconds: others go before it.</param>
    /// <exception cref="SqliteException">The write, or its commit, failed; nothing of it remains.</exception>
    public Task<T> WriteAsync<T>(Func<SqliteSession, T> write, CancellationToken cancellationToken, bool isDurable = true, Action? beforeCommit = null, bool isLong = false)
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
            // It was being opened and could not be: there is nothing to close.
        }

        while (_readers.TryTake(out SqliteSession? reader))
        {
            reader.Dispose();
        }
    }

    // One opening at a time, and who waits for it shares its failure: with a file that another process has locked, each would else wait out the lock's
    // time-out after the one before it.
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
        SqliteSession session = OpenSession();
        try
        {
            session.Execute(FormattableString.Invariant($"PRAGMA cache_size = -{WriterCache}"));
            session.InTransaction(() => _createSchema(session));
        }
        catch
        {
            session.Dispose();
            throw;
        }

        return new SqliteWriter(session, System.IO.Path.GetFileName(Path), new SqliteLog(Path, session));
    }

    private SqliteSession OpenSession()
    {
        var connection = new SqliteConnection(_connectionString);
        try
        {
            connection.Open();
            var session = new SqliteSession(connection);
            // busy_timeout first: switching to WAL takes a lock for a moment.
            session.Execute(FormattableString.Invariant($"PRAGMA busy_timeout = {LockTimeoutMilliseconds}"));
            session.Execute("PRAGMA journal_mode = WAL");
            session.SetDurable(true);
            session.Execute(FormattableString.Invariant($"PRAGMA wal_autocheckpoint = {CheckpointPages}"));
            session.Execute(FormattableString.Invariant($"PRAGMA journal_size_limit = {CheckpointPages * PageSize}"));
            session.Execute("PRAGMA temp_store = MEMORY");
            return session;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }
}
