using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace FinanceIngest.Sqlite;

/// <summary>Copies whole SQLite files through SQLite itself: a copy of the file alone lacks what is only in the log beside it.</summary>
internal static class SqliteCopy
{
    /// <summary>Copies a file as it is at one instant, beside programs that use it, to a new private file without a log.</summary>
    /// <param name="source">A file that exists. It is not changed and not upgraded.</param>
    /// <param name="mark">What the file is.</param>
    /// <param name="target">A file that does not exist.</param>
    /// <param name="read">Reads from the copy.</param>
    /// <returns>What <paramref name="read"/> returned.</returns>
    /// <exception cref="SqliteException">The file can't be read.</exception>
    /// <exception cref="InvalidDataException">The copy fails SQLite's check of its structure.</exception>
    /// <exception cref="SettingsException">This program can't use the file.</exception>
    public static T Take<T>(string source, SqliteMark mark, string target, Func<SqliteSession, T> read)
    {
        PrivateFiles.CreateNew(target).Dispose();
        using SqliteConnection from = Open(source, SqliteOpenMode.ReadWrite);
        using var to = new SqliteSession(Open(target, SqliteOpenMode.ReadWrite));

        // The copy's durability is the business of the file that it becomes a part of.
        to.Run("PRAGMA synchronous = OFF");
        Copy(from.Handle!, to.Handle);
        to.Run("PRAGMA journal_mode = DELETE");
        Check(to, source);
        if (to.Number("SELECT count(*) FROM sqlite_master") > 0)
        {
            mark.Require(to, source);
        }

        return read(to);
    }

    /// <summary>Checks the structure of an open file.</summary>
    /// <exception cref="InvalidDataException">The check finds a fault.</exception>
    public static void Check(SqliteSession session, string name)
    {
        string finding = session.Query("PRAGMA quick_check(1)", row => row.GetString(0))[0];
        if (finding != "ok")
        {
            throw new InvalidDataException($"{name} is damaged: {SafeText.Line(finding)}");
        }
    }

    /// <summary>Opens a connection that is not pooled.</summary>
    public static SqliteConnection Open(string path, SqliteOpenMode mode)
    {
        SqliteLibrary.Require();
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, Mode = mode }.ToString());
        try
        {
            connection.Open();
            raw.sqlite3_busy_timeout(connection.Handle!, SqliteFile.LockTimeoutMilliseconds);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Replaces a database by another, in one transaction of the target.</summary>
    /// <exception cref="SqliteException">The source can't be read or the target can't be written; the target is as it was.</exception>
    public static void Copy(sqlite3 source, sqlite3 target)
    {
        using sqlite3_backup backup = raw.sqlite3_backup_init(target, "main", source, "main");
        if (backup.IsInvalid)
        {
            SqliteException.ThrowExceptionForRC(raw.sqlite3_errcode(target), target);
        }

        // One step copies everything under one read transaction, so that the copy is of one instant. Writers to a file in WAL mode go on meanwhile.
        int code = raw.sqlite3_backup_step(backup, -1);
        if (code != raw.SQLITE_DONE)
        {
            SqliteException.ThrowExceptionForRC(code, target);
        }
    }
}

/// <summary>A SQLite file that no other program has open, and that none can use until this is disposed of.</summary>
internal sealed class SqliteHold : IDisposable
{
    private SqliteHold(SqliteSession session) => Session = session;

    /// <summary>The only session of the file.</summary>
    public SqliteSession Session { get; }

    /// <summary>Takes the file; null: another program has it open.</summary>
    /// <param name="path">A file that exists; an empty one will do.</param>
    /// <exception cref="SqliteException">The file is no database, or is damaged beyond opening.</exception>
    public static SqliteHold? TryTake(string path)
    {
        var session = new SqliteSession(SqliteCopy.Open(path, SqliteOpenMode.ReadWrite));
        try
        {
            session.Run("PRAGMA busy_timeout = 1000");

            // A program that has the file open in WAL mode holds a shared lock on it all the time, with which SQLite refuses to leave that mode.
            string mode = session.Query("PRAGMA journal_mode = DELETE", row => row.GetString(0))[0];
            if (mode != "wal")
            {
                session.Run("PRAGMA locking_mode = EXCLUSIVE");
                session.Run("BEGIN EXCLUSIVE; COMMIT");
                return new SqliteHold(session);
            }
        }
        catch (SqliteException e) when (e.SqliteErrorCode is raw.SQLITE_BUSY or raw.SQLITE_LOCKED)
        {
            // It is in use.
        }
        catch
        {
            session.Dispose();
            throw;
        }

        session.Dispose();
        return null;
    }

    /// <inheritdoc/>
    public void Dispose() => Session.Dispose();
}
