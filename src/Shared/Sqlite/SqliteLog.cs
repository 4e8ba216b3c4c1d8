using Microsoft.Data.Sqlite;

namespace FinanceIngest.Sqlite;

/// <summary>
/// Bounds a file's write-ahead log. SQLite copies the log into the file by itself, but begins it anew only when at that moment no reader is in it
/// (https://sqlite.org/wal.html#avoiding_excessively_large_wal_files): where reads overlap without a gap it would grow for ever.
/// Used by the writer's thread, between transactions.
/// </summary>
internal sealed class SqliteLog(string path, SqliteSession session)
{
    /// <summary>How long a writer has nothing to do before its log gives its room back.</summary>
    public const int IdleMilliseconds = 10_000;

    // One and a half times what SQLite's own checkpoints keep it to.
    private const long Limit = 48 * 1024 * 1024;

    // Where a reader stayed in it all the time, it is tried again after as much again.
    private const long NextTry = 16 * 1024 * 1024;

    // Not worth an fsync at an idle time.
    private const long Small = 1024 * 1024;

    // All writers of the file stand still while old readers leave: ordinary reads end within milliseconds, an export goes on for longer.
    private const int Patience = 200;

    private readonly FileInfo _file = new(path + "-wal");
    private long _next = Limit;
    private long _length;

    /// <summary>Whether <see cref="Shrink"/> would give something back; false after it until the next commit.</summary>
    public bool IsWorthShrinking => _length > Small;

    /// <summary>To be called after each commit: costs one look at the file's size.</summary>
    public void AfterCommit()
    {
        _file.Refresh();
        _length = _file.Exists ? _file.Length : 0;
        if (_length < Limit)
        {
            _next = Limit;
        }
        else if (_length >= _next)
        {
            // Done, new readers read the file alone and the next write begins the log anew, cut to journal_size_limit.
            _next = Checkpoint("RESTART") ? Limit : _length + NextTry;
        }
    }

    /// <summary>Copies the log into the file and empties it, unless somebody reads or writes meanwhile.</summary>
    public void Shrink()
    {
        _length = 0;
        Checkpoint("TRUNCATE");
    }

    private bool Checkpoint(string mode)
    {
        try
        {
            session.Execute(FormattableString.Invariant($"PRAGMA busy_timeout = {Patience}"));
            try
            {
                // Its answer's first column: 1 when it could not be completed.
                return session.Scalar<long>($"PRAGMA wal_checkpoint({mode})") == 0;
            }
            finally
            {
                session.Execute(FormattableString.Invariant($"PRAGMA busy_timeout = {SqliteFile.LockTimeoutMilliseconds}"));
            }
        }
        catch (SqliteException)
        {
            // The disk is full, or the file is locked: the log stays as it is, and whoever writes next will be told.
            return false;
        }
    }
}
