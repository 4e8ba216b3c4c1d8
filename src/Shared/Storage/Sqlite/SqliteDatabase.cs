using FinanceIngest.Configuration;
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

    /// <summary>What the file is. The application id reads "FIdb" in the file's header.</summary>
    internal static readonly SqliteMark Mark = new(0x46496462, 1, "database", Journal);

    private const string Journal = "schema_migrations";

    // Ids are given without gaps, so the newest and the oldest row say about how many there are, without reading those between.
    private const string RowsSql =
        "SELECT coalesce((SELECT max(id) FROM anomaly_transactions) - (SELECT min(id) FROM anomaly_transactions) + 1, 0)";

    private static readonly IReadOnlyList<MigrationScript> s_scripts = MigrationScript.Of("Sqlite");

    private readonly SqliteFile _file;
    private readonly DependencyStatus _status;
    private readonly TimeProvider _time;
    private readonly IReadOnlyList<MigrationScript> _scripts;
    private MigrationOptions? _options;
    private MigrationOutcome? _migration;

    /// <param name="directory">The data directory.</param>
    /// <param name="time">Clock of <c>applied_at</c>.</param>
    /// <param name="status">Is told whether each use succeeded.</param>
    /// <param name="readsOnly">Whether nothing may be made or upgraded: a missing database reads as an empty one, an older schema is refused.</param>
    /// <param name="scripts">The steps of the schema; null: this program's.</param>
    internal SqliteDatabase(
        string directory, TimeProvider time, DependencyStatus status, bool readsOnly = false, IReadOnlyList<MigrationScript>? scripts = null)
    {
        _time = time;
        _scripts = scripts ?? s_scripts;
        _file = new SqliteFile(
            System.IO.Path.Combine(directory, FileName), Mark, session => _migration = Migrate(session), readsOnly ? RefuseOtherSchema : null);
        _status = status;
        status.Watch(() => _file.Moved);
    }

    /// <summary>Full path of the file.</summary>
    public string Path => _file.Path;

    /// <summary>Opens the file unless this process has it open, and returns what the opening changed.</summary>
    /// <exception cref="StoreUnavailableException">The file can't be used.</exception>
    /// <exception cref="SettingsException">The file is not one that this program can use, or only <c>migrate</c> may bring it up to date.</exception>
    public async Task<MigrationOutcome> OpenAsync(CancellationToken cancellationToken)
    {
        await ReadAsync(_ => 0, cancellationToken);
        return _migration!;
    }

    /// <summary>Opens the file as <see cref="OpenAsync"/> does, however large it is. It may be repeated after it ended half-way.</summary>
    internal Task<MigrationOutcome> MigrateAsync(MigrationOptions options, CancellationToken cancellationToken)
    {
        _options = options;
        return OpenAsync(cancellationToken);
    }

    /// <summary>Throws unless a program may work on the file, whether or not it is up to date. Nothing is made or changed.</summary>
    /// <exception cref="SettingsException">The program may not.</exception>
    /// <exception cref="SqliteException">The file can't be read.</exception>
    internal static async Task CheckAsync(string directory, CancellationToken cancellationToken)
    {
        string path = System.IO.Path.Combine(directory, FileName);
        using var file = new SqliteFile(path, Mark, _ => { }, session =>
        {
            RequireGeneration(session, path);
            State state = StateOf(session);
            Require(path, SchemaRule.RefusalAtStart(state.Version, state.Version > 0 ? session.Number(RowsSql) : 0, s_scripts));
        });
        await file.ReadAsync(_ => 0, cancellationToken);
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
    internal Task<bool> ForgetDeletedAsync(CancellationToken cancellationToken) => GuardAsync(_file.ForgetDeletedAsync(cancellationToken));

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    /// <summary>
    /// Applies the missing steps, each in a transaction of its own, so that what was applied stays when the program is ended between two of them. The write
    /// lock, under which each step looks for the version, keeps another process from applying the same step.
    /// </summary>
    private MigrationOutcome Migrate(SqliteSession session)
    {
        State before = StateOf(session);
        Require(Path, SchemaRule.Refusal(before.Generation, _scripts));
        MigrationScript[] missing = MissingAt(before.Version);
        long rows = before.Version > 0 && missing.Length > 0 ? session.Number(RowsSql) : 0;
        if (_options is null)
        {
            Require(Path, SchemaRule.RefusalAtStart(before.Version, rows, _scripts));
        }

        var applied = new List<string>();
        foreach (MigrationScript script in missing)
        {
            _options?.Begins?.Invoke(new MigrationStep(applied.Count + 1, missing.Length, script.Name, rows));
            session.InTransaction(() =>
            {
                if (StateOf(session).Version < script.Version)
                {
                    Apply(session, script);
                    applied.Add(script.Name);
                }
            });
        }

        return new MigrationOutcome(before.Version, StateOf(session).Version, applied);
    }

    private void Apply(SqliteSession session, MigrationScript script)
    {
        session.Execute(
            $"""
            CREATE TABLE IF NOT EXISTS {Journal} (
                version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at TEXT NOT NULL, generation INTEGER NOT NULL)
            """);
        session.Run(script.Sql);
        session.Execute(
            $"INSERT INTO {Journal} (version, name, applied_at, generation) VALUES (?1, ?2, ?3, ?4)",
            script.Version, script.Name, _time.UtcNowMicroseconds(), script.Generation);
    }

    private MigrationScript[] MissingAt(int version) => [.. _scripts.Where(script => script.Version > version)];

    /// <summary>The schema version that this program makes.</summary>
    internal static int ProgramVersion => s_scripts[^1].Version;

    /// <summary>The schema of an open file that has <see cref="Mark"/>; version 0 before the first step.</summary>
    internal static State StateOf(SqliteSession session) =>
        session.Number("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?1", Journal) == 0
            ? default
            : session.Single(
                $"SELECT coalesce(max(version), 0), coalesce(max(generation), 0) FROM {Journal}", row => new State(row.GetInt32(0), row.GetInt32(1)));

    /// <summary>Throws unless this program knows the generation of an open file's schema.</summary>
    /// <exception cref="SettingsException">It does not.</exception>
    internal static void RequireGeneration(SqliteSession session, string path) =>
        Require(path, SchemaRule.Refusal(StateOf(session).Generation, s_scripts));

    /// <summary>Says why this program can't use a file that has tables, as the rest of a sentence that begins with its name; null when it can.</summary>
    internal static string? RefusalOf(SqliteSession session) => Mark.Refusal(session) ?? SchemaRule.Refusal(StateOf(session).Generation, s_scripts);

    private void RefuseOtherSchema(SqliteSession session)
    {
        State state = StateOf(session);
        Require(Path, SchemaRule.Refusal(state.Generation, _scripts));
        Require(Path, state.Version >= _scripts[^1].Version ? null : FormattableString.Invariant(
            $"is at schema version {state.Version}, older than this program's {_scripts[^1].Version}; run \"finance-ingest migrate\"."));
    }

    private static void Require(string path, string? refusal)
    {
        if (refusal is not null)
        {
            throw new SettingsException("FinanceIngest__DataDirectory", $"{path} {refusal}");
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

    /// <summary>How far a file's schema is.</summary>
    /// <param name="Version">The highest step that was applied.</param>
    /// <param name="Generation">The highest generation of a step that was applied.</param>
    internal readonly record struct State(int Version, int Generation);
}
