using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace FinanceIngest.Sqlite;

/// <summary>
/// A prepared statement for what runs once per transaction of a batch: it is bound by ordinal, without a boxed value or a string in between.
/// <c>docs/storage-writes.md</c> has it beside <see cref="SqliteCommand"/>. Parameters and columns count as in SQLite's own interface:
/// parameters from 1, columns from 0.
/// </summary>
internal sealed class SqliteStatement : IDisposable
{
    private readonly sqlite3 _database;
    private readonly sqlite3_stmt _statement;

    /// <exception cref="SqliteException">The statement is wrong.</exception>
    internal SqliteStatement(sqlite3 database, string sql)
    {
        _database = database;
        SqliteException.ThrowExceptionForRC(raw.sqlite3_prepare_v2(database, sql, out _statement), database);
    }

    /// <summary>Binds an integer, or NULL.</summary>
    public void Bind(int parameter, long? value) =>
        Check(value is { } number ? raw.sqlite3_bind_int64(_statement, parameter, number) : raw.sqlite3_bind_null(_statement, parameter));

    /// <summary>Binds a double, or NULL. NaN is NULL in SQLite.</summary>
    public void Bind(int parameter, double? value) =>
        Check(value is { } number ? raw.sqlite3_bind_double(_statement, parameter, number) : raw.sqlite3_bind_null(_statement, parameter));

    /// <summary>Binds a text, or NULL.</summary>
    public void Bind(int parameter, string? value) =>
        Check(value is null ? raw.sqlite3_bind_null(_statement, parameter) : raw.sqlite3_bind_text(_statement, parameter, value));

    /// <summary>Binds a text in UTF-8.</summary>
    public void Bind(int parameter, ReadOnlySpan<byte> utf8) => Check(raw.sqlite3_bind_text(_statement, parameter, utf8));

    /// <summary>Binds bytes.</summary>
    public void BindBlob(int parameter, ReadOnlySpan<byte> bytes) => Check(raw.sqlite3_bind_blob(_statement, parameter, bytes));

    /// <summary>Runs the statement to its end and returns how many rows it changed.</summary>
    /// <exception cref="SqliteException">It failed.</exception>
    public int Execute()
    {
        while (Step())
        {
            // A statement that changes rows may return some.
        }

        return raw.sqlite3_changes(_database);
    }

    /// <summary>Runs a statement that gives one row, and reads it.</summary>
    /// <exception cref="SqliteException">It failed.</exception>
    /// <exception cref="InvalidOperationException">It gave none.</exception>
    public T Single<T>(Func<SqliteStatement, T> read)
    {
        T row = Step() ? read(this) : throw new InvalidOperationException("The statement gave no row.");
        while (Step())
        {
            // To its end: a row that was changed is changed only then.
        }

        return row;
    }

    /// <summary>Goes to the next row; false: there is none, and the statement can be bound anew.</summary>
    /// <exception cref="SqliteException">It failed.</exception>
    public bool Step()
    {
        int code = raw.sqlite3_step(_statement);
        if (code == raw.SQLITE_ROW)
        {
            return true;
        }

        // What it failed with is known from the step; the reset would only say it again, but must come after it was read.
        try
        {
            if (code != raw.SQLITE_DONE)
            {
                SqliteException.ThrowExceptionForRC(code, _database);
            }
        }
        finally
        {
            _ = raw.sqlite3_reset(_statement);
        }

        return false;
    }

    /// <summary>An integer of the row.</summary>
    public long GetInt64(int column) => raw.sqlite3_column_int64(_statement, column);

    /// <summary>A double of the row.</summary>
    public double GetDouble(int column) => raw.sqlite3_column_double(_statement, column);

    /// <summary>A text of the row.</summary>
    public string GetText(int column) => raw.sqlite3_column_text(_statement, column).utf8_to_string();

    /// <summary>The bytes of a blob of the row; null for a text.</summary>
    public byte[]? GetBlob(int column) =>
        raw.sqlite3_column_type(_statement, column) == raw.SQLITE_BLOB ? raw.sqlite3_column_blob(_statement, column).ToArray() : null;

    /// <inheritdoc/>
    public void Dispose() => _statement.Dispose();

    private void Check(int code)
    {
        if (code != raw.SQLITE_OK)
        {
            SqliteException.ThrowExceptionForRC(code, _database);
        }
    }
}
