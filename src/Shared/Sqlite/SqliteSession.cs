using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace FinanceIngest.Sqlite;

/// <summary>
/// A connection with its prepared statements, used by one thread at a time. A statement is prepared once and kept as long as the session, so its text
/// must be one of few: values are bound to <c>?1</c>, <c>?2</c>, … and never stand in it.
/// </summary>
internal sealed class SqliteSession(SqliteConnection connection) : IDisposable
{
    private readonly Dictionary<string, SqliteStatement> _statements = [];

    // The statement that was asked for last. A loop asks for the same text again and again, and computing the hash of a long one costs as much as binding a few
    // of its values.
    private string? _lastText;
    private SqliteStatement? _last;
    private bool _isDurable;

    /// <summary>SQLite's handle of the connection.</summary>
    internal sqlite3 Handle => Database;

    private sqlite3 Database => connection.Handle!;

    /// <summary>The texts of the statements that were prepared so far.</summary>
    internal IReadOnlyCollection<string> Statements => _statements.Keys;

    /// <summary>Whether the file at the path is no longer the one that this connection has open.</summary>
    public bool HasMoved => SqliteNative.HasMoved(Database);

    /// <summary>The statement, prepared once. A loop takes it from here and runs it for each item; elsewhere the methods below read better.</summary>
    public SqliteStatement Prepare(string sql)
    {
        if (ReferenceEquals(sql, _lastText))
        {
            return _last!;
        }

        if (!_statements.TryGetValue(sql, out SqliteStatement? statement))
        {
            statement = new SqliteStatement(Database, sql);
            _statements.Add(sql, statement);
        }

        (_lastText, _last) = (sql, statement);
        return statement;
    }

    /// <inheritdoc cref="SqliteStatement.Execute"/>
    public int Execute(string sql, params ReadOnlySpan<SqliteValue> values) => Prepare(sql).Execute(values);

    /// <summary>
    /// Inserts a row and returns its row id. A statement with RETURNING would do that too, and makes a table for what it returns each time.
    /// </summary>
    /// <inheritdoc cref="SqliteStatement.Execute"/>
    public long Insert(string sql, params ReadOnlySpan<SqliteValue> values)
    {
        Execute(sql, values);
        return raw.sqlite3_last_insert_rowid(Database);
    }

    /// <inheritdoc cref="SqliteStatement.Query{T}"/>
    public List<T> Query<T>(string sql, Func<SqliteRow, T> read, params ReadOnlySpan<SqliteValue> values) => Prepare(sql).Query(read, values);

    /// <inheritdoc cref="SqliteStatement.FirstOrDefault{T}"/>
    public T? FirstOrDefault<T>(string sql, Func<SqliteRow, T> read, params ReadOnlySpan<SqliteValue> values) => Prepare(sql).FirstOrDefault(read, values);

    /// <inheritdoc cref="SqliteStatement.Single{T}"/>
    public T Single<T>(string sql, Func<SqliteRow, T> read, params ReadOnlySpan<SqliteValue> values) => Prepare(sql).Single(read, values);

    /// <summary>Returns the integer in the first column of the one row, such as a count.</summary>
    /// <inheritdoc cref="SqliteStatement.Single{T}"/>
    public long Number(string sql, params ReadOnlySpan<SqliteValue> values) => Prepare(sql).Single(static row => row.GetInt64(0), values);

    /// <summary>Runs a script of any number of statements, or a PRAGMA, without keeping it. Rows are discarded.</summary>
    /// <exception cref="SqliteException">A statement fails; those before it have been run.</exception>
    public void Run(string script)
    {
        int code = raw.sqlite3_exec(Database, script);
        if (code != raw.SQLITE_OK)
        {
            SqliteException.ThrowExceptionForRC(code, Database);
        }
    }

    /// <summary>Runs reads that all see the file as it was at the first of them.</summary>
    public T InReadTransaction<T>(Func<T> read)
    {
        Execute("BEGIN");
        try
        {
            T result = read();
            Execute("COMMIT");
            return result;
        }
        catch
        {
            Rollback();
            throw;
        }
    }

    /// <summary>Runs the work in a write transaction.</summary>
    public void InTransaction(Action work)
    {
        Begin();
        FinishTransaction(work);
    }

    /// <summary>
    /// Sets whether a commit reaches the disk before it returns (synchronous=FULL), or only the operating system (NORMAL): a loss of power may undo
    /// the latter, a crash of the process can't (https://sqlite.org/pragma.html#pragma_synchronous). The next durable commit makes it durable too.
    /// </summary>
    public void SetDurable(bool isDurable)
    {
        if (_isDurable != isDurable)
        {
            Run(isDurable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
            _isDurable = isDurable;
        }
    }

    /// <summary>Begins a transaction with the write lock: a deferred one could fail half-way with SQLITE_BUSY.</summary>
    public void Begin() => Execute("BEGIN IMMEDIATE");

    /// <summary>Runs the work in the transaction that <see cref="Begin"/> began, and commits it. If either fails, nothing of the transaction remains.</summary>
    public void FinishTransaction(Action work)
    {
        try
        {
            work();
            Execute("COMMIT");
        }
        catch
        {
            Rollback();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (SqliteStatement statement in _statements.Values)
        {
            statement.Dispose();
        }

        connection.Dispose();
    }

    private void Rollback()
    {
        try
        {
            Execute("ROLLBACK");
        }
        catch (SqliteException)
        {
            // A full disk and other I/O errors have already ended the transaction, and the only failure left is "no transaction is active".
        }
    }
}
