using Microsoft.Data.Sqlite;

namespace FinanceIngest.Sqlite;

/// <summary>A connection with its prepared statements, used by one thread at a time.</summary>
internal sealed class SqliteSession(SqliteConnection connection) : IDisposable
{
    private readonly Dictionary<string, SqliteCommand> _statements = [];
    private readonly Dictionary<string, SqliteStatement> _prepared = [];
    private bool _isDurable;

    /// <summary>The statement for what runs very often, prepared once.</summary>
    public SqliteStatement Prepared(string sql)
    {
        if (!_prepared.TryGetValue(sql, out SqliteStatement? statement))
        {
            statement = new SqliteStatement(connection.Handle!, sql);
            _prepared.Add(sql, statement);
        }

        return statement;
    }

    /// <summary>The statement, prepared once, its parameters set by name from <paramref name="parameters"/>.</summary>
    public SqliteCommand Statement(string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        if (!_statements.TryGetValue(sql, out SqliteCommand? command))
        {
            command = connection.CreateCommand();
            command.CommandText = sql;
            foreach ((string name, object? value) in parameters)
            {
                command.Parameters.AddWithValue(name, value ?? DBNull.Value);
            }

            _statements.Add(sql, command);
            return command;
        }

        for (int i = 0; i < parameters.Length; i++)
        {
            command.Parameters[i].Value = parameters[i].Value ?? DBNull.Value;
        }

        return command;
    }

    /// <summary>Runs a statement and returns how many rows it changed.</summary>
    public int Execute(string sql, params ReadOnlySpan<(string Name, object? Value)> parameters) =>
        Statement(sql, parameters).ExecuteNonQuery();

    /// <summary>The first column of the first row, or <c>default</c> when there is none or it is null.</summary>
    public T? Scalar<T>(string sql, params ReadOnlySpan<(string Name, object? Value)> parameters) =>
        Statement(sql, parameters).ExecuteScalar() is T value ? value : default;

    /// <summary>All rows.</summary>
    public List<T> Query<T>(string sql, Func<SqliteDataReader, T> map, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        using SqliteDataReader reader = Statement(sql, parameters).ExecuteReader();
        var rows = new List<T>();
        while (reader.Read())
        {
            rows.Add(map(reader));
        }

        return rows;
    }

    /// <summary>Runs reads that look at the file once for all of them.</summary>
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
    /// Whether a commit reaches the disk before it returns (synchronous=FULL), or only the operating system (NORMAL): then a loss of power may
    /// undo it, a crash of the process not (https://sqlite.org/pragma.html#pragma_synchronous). A later durable commit takes it along.
    /// </summary>
    public void SetDurable(bool isDurable)
    {
        if (_isDurable != isDurable)
        {
            Execute(isDurable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
            _isDurable = isDurable;
        }
    }

    /// <summary>Takes a write transaction at once (a deferred one could fail half-way with SQLITE_BUSY).</summary>
    public void Begin() => Execute("BEGIN IMMEDIATE");

    /// <summary>Runs the work and commits, or leaves nothing of it.</summary>
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

    /// <summary>Ends a transaction without its effects; harmless when SQLite has ended it already.</summary>
    public void Rollback()
    {
        try
        {
            Execute("ROLLBACK");
        }
        catch (SqliteException)
        {
            // Disk full and I/O errors roll back by themselves; "no transaction is active" says just that.
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (SqliteCommand command in _statements.Values)
        {
            command.Dispose();
        }

        foreach (SqliteStatement statement in _prepared.Values)
        {
            statement.Dispose();
        }

        connection.Dispose();
    }
}
