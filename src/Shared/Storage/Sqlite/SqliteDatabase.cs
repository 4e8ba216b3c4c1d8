using FinanceIngest.Ground;
using FinanceIngest.Sqlite;
using FinanceIngest.Transactions;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace FinanceIngest.Storage.Sqlite;

/// <summary>
/// The embedded database, <c>finance-ingest.db</c> in the data directory, brought up to date by whichever process opens it first.
/// </summary>
public sealed class SqliteDatabase : IDisposable
{
    /// <summary>Name of the file in the data directory.</summary>
    public const string FileName = "finance-ingest.db";

    private readonly SqliteFile _file;
    private readonly DependencyStatus _status;
    private MigrationOutcome? _migration;

    /// <param name="directory">The data directory.</param>
    /// <param name="time">Clock of <c>applied_at</c>.</param>
    /// <param name="status">Is told whether each use succeeded.</param>
    /// <param name="readsOnly">Whether nothing may be made or upgraded: a missing database reads as an empty one, an older schema is an outage.</param>
    internal SqliteDatabase(string directory, TimeProvider time, DependencyStatus status, bool readsOnly = false)
    {
        _file = new SqliteFile(
            System.IO.Path.Combine(directory, FileName), session => _migration = Migrate(session, time), readsOnly ? RefuseOtherSchema : null);
        _status = status;
        status.Watch(() => _file.Moved);
    }

    /// <summary>Full path of the file.</summary>
    public string Path => _file.Path;

    /// <summary>Opens the file unless this process has it open, and returns what the opening changed.</summary>
    /// <exception cref="StoreUnavailableException">The file can't be used.</exception>
    public async Task<MigrationOutcome> OpenAsync(CancellationToken cancellationToken)
    {
        await ReadAsync(_ => 0, cancellationToken);
        return _migration!;
    }

    /// <summary>Runs a read.</summary>
    /// <exception cref="StoreUnavailableException">The file can't be used.</exception>
    internal Task<T> ReadAsync<T>(Func<SqliteSession, T> read, CancellationToken cancellationToken, bool onThisThread = false) =>
        GuardAsync(_file.ReadAsync(read, cancellationToken, onThisThread));

    /// <summary>Runs a write; see <see cref="SqliteFile.WriteAsync"/>.</summary>
    /// <exception cref="StoreUnavailableException">The file can't be used.</exception>
    internal Task<T> WriteAsync<T>(
        Func<SqliteSession, T> write, CancellationToken cancellationToken, Action? beforeCommit = null, bool isLong = false, bool onThisThread = false) =>
        GuardAsync(_file.WriteAsync(write, cancellationToken, beforeCommit: beforeCommit, isLong: isLong, onThisThread: onThisThread));

    /// <inheritdoc cref="SqliteFile.ForgetDeletedAsync"/>
    /// <exception cref="StoreUnavailableException">The file can't be used.</exception>
    internal Task<bool> ForgetDeletedAsync(bool inOldFiles, CancellationToken cancellationToken) =>
        GuardAsync(_file.ForgetDeletedAsync(inOldFiles, cancellationToken));

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    /// <summary>Applies the missing migrations. The caller's write transaction keeps another process from doing the same at the same time.</summary>
    private static MigrationOutcome Migrate(SqliteSession session, TimeProvider time)
    {
        session.Execute("CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at TEXT NOT NULL)");
        long version = session.Number("SELECT coalesce(max(version), 0) FROM schema_migrations");
        IReadOnlyList<MigrationScript> scripts = MigrationScript.Of("Sqlite");
        if (version > scripts[^1].Version)
        {
            throw new StoreUnavailableException(new InvalidOperationException(
                $"it is at schema version {version}, newer than this program's {scripts[^1].Version}; run the newer program."));
        }

        MigrationScript[] missing = [.. scripts.Where(script => script.Version > version)];
        foreach (MigrationScript script in missing)
        {
            session.Run(script.Sql);
            session.Execute(
                "INSERT INTO schema_migrations (version, name, applied_at) VALUES (?1, ?2, ?3)", script.Version, script.Name, time.UtcNowMicroseconds());
        }

        return new MigrationOutcome((int)version, scripts[^1].Version, [.. missing.Select(script => script.Name)]);
    }

    /// <summary>The schema version that this program makes.</summary>
    internal static int ProgramVersion => MigrationScript.Of("Sqlite")[^1].Version;

    /// <summary>The schema version of an open file; 0 when it is no database of this system.</summary>
    internal static int VersionOf(SqliteSession session) =>
        session.Number("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_migrations'") == 0
            ? 0
            : (int)session.Number("SELECT coalesce(max(version), 0) FROM schema_migrations");

    private static void RefuseOtherSchema(SqliteSession session)
    {
        int version = VersionOf(session);
        if (version != ProgramVersion)
        {
            throw new StoreUnavailableException(new InvalidOperationException(
                version == 0 ? "it is no database of this system."
                : version < ProgramVersion ? $"it is at schema version {version}, older than this program's {ProgramVersion}; run \"finance-ingest migrate\"."
                : $"it is at schema version {version}, newer than this program's {ProgramVersion}; run the newer program."));
        }
    }

    private async Task<T> GuardAsync<T>(Task<T> work)
    {
        try
        {
            T result = await work;
            _status.Succeeded();
            return result;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException || (e is SqliteException sqlite && IsOutage(sqlite)))
        {
            _status.Failed(e);
            throw new StoreUnavailableException(e);
        }
    }

    // Every code except those that the rows themselves can cause (https://sqlite.org/rescode.html).
    private static bool IsOutage(SqliteException e) => e.SqliteErrorCode is not
        (raw.SQLITE_ERROR or raw.SQLITE_TOOBIG or raw.SQLITE_CONSTRAINT or raw.SQLITE_MISMATCH or raw.SQLITE_RANGE);
}
