using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace FinanceIngest.Sqlite;

/// <summary>
/// One prepared statement. Each method binds one value to each parameter, <c>?1</c> first, runs the statement to its end and makes it ready for the
/// next run, whatever happens. <c>docs/storage-writes.md</c> compares this way of binding with <see cref="SqliteCommand"/>.
/// </summary>
internal sealed class SqliteStatement : IDisposable
{
    private readonly sqlite3 _database;
    private readonly sqlite3_stmt _statement;
    private readonly IntPtr _address;
    private readonly int _parameters;
    private bool _isHeld;

    /// <exception cref="SqliteException">SQLite can't compile the statement.</exception>
    /// <exception cref="ArgumentException">The text holds more than one statement, or none.</exception>
    internal SqliteStatement(sqlite3 database, string sql)
    {
        _database = database;
        Check(raw.sqlite3_prepare_v2(database, sql, out _statement, out string rest));
        if (!string.IsNullOrWhiteSpace(rest) || _statement.IsInvalid)
        {
            _statement.Dispose();
            throw new ArgumentException($"Not one statement: {sql}", nameof(sql));
        }

        _parameters = raw.sqlite3_bind_parameter_count(_statement);

        // The address is used until the disposal, by one thread at a time.
        _statement.DangerousAddRef(ref _isHeld);
        _address = _statement.DangerousGetHandle();
    }

    /// <summary>How many values the statement takes.</summary>
    internal int Parameters => _parameters;

    /// <summary>Runs the statement and returns how many rows it inserted, updated or deleted; for one that only reads, the number means nothing.</summary>
    /// <exception cref="SqliteException">SQLite refuses a value or the statement fails.</exception>
    public int Execute(params ReadOnlySpan<SqliteValue> values)
    {
        Bind(values);
        try
        {
            while (Step())
            {
                // Rows of RETURNING or of a PRAGMA.
            }

            return raw.sqlite3_changes(_database);
        }
        finally
        {
            Reset();
        }
    }

    /// <summary>Returns all rows.</summary>
    /// <exception cref="SqliteException">SQLite refuses a value or the statement fails.</exception>
    public List<T> Query<T>(Func<SqliteRow, T> read, params ReadOnlySpan<SqliteValue> values)
    {
        Bind(values);
        try
        {
            var rows = new List<T>();
            while (Step())
            {
                rows.Add(read(new SqliteRow(_statement, _address)));
            }

            return rows;
        }
        finally
        {
            Reset();
        }
    }

    /// <summary>Returns the first row, or <c>default</c> when there is none.</summary>
    /// <exception cref="SqliteException">SQLite refuses a value or the statement fails.</exception>
    public T? FirstOrDefault<T>(Func<SqliteRow, T> read, params ReadOnlySpan<SqliteValue> values) => TryFirst(read, values, out T? row) ? row : default;

    /// <summary>Returns the one row of a statement that always has one.</summary>
    /// <exception cref="SqliteException">SQLite refuses a value or the statement fails.</exception>
    /// <exception cref="InvalidOperationException">There is no row.</exception>
    public T Single<T>(Func<SqliteRow, T> read, params ReadOnlySpan<SqliteValue> values) =>
        TryFirst(read, values, out T? row) ? row! : throw new InvalidOperationException("The statement gave no row.");

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_isHeld)
        {
            _isHeld = false;
            _statement.DangerousRelease();
        }

        _statement.Dispose();
    }

    private bool TryFirst<T>(Func<SqliteRow, T> read, ReadOnlySpan<SqliteValue> values, out T? row)
    {
        Bind(values);
        try
        {
            if (!Step())
            {
                row = default;
                return false;
            }

            row = read(new SqliteRow(_statement, _address));
            while (Step())
            {
                // A statement with RETURNING has done its work only at its end.
            }

            return true;
        }
        finally
        {
            Reset();
        }
    }

    private void Bind(ReadOnlySpan<SqliteValue> values)
    {
        ObjectDisposedException.ThrowIf(!_isHeld, this);
        if (values.Length != _parameters)
        {
            throw new ArgumentException(
                FormattableString.Invariant($"The statement has {_parameters} parameters and was given {values.Length} values."), nameof(values));
        }

        for (int i = 0; i < values.Length; i++)
        {
            Check(values[i].Bind(_address, i + 1));
        }
    }

    // False: there are no more rows.
    private bool Step()
    {
        int code = SqliteStatementNative.Step(_address);
        if (code == raw.SQLITE_ROW)
        {
            return true;
        }

        if (code != raw.SQLITE_DONE)
        {
            SqliteException.ThrowExceptionForRC(code, _database);
        }

        return false;
    }

    // Its code repeats the failure of the last step, which has been thrown already.
    private void Reset() => _ = SqliteStatementNative.Reset(_address);

    private void Check(int code)
    {
        if (code != raw.SQLITE_OK)
        {
            SqliteException.ThrowExceptionForRC(code, _database);
        }
    }
}
