using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace FinanceIngest.Sqlite;

/// <summary>
/// Bounds a file's write-ahead log. SQLite copies the log into the file by itself, but begins the log anew only if no reader uses it at that moment
/// (https://sqlite.org/wal.html#avoiding_excessively_large_wal_files): where reads overlap without a gap, the log would grow for ever.
/// The writer uses this class between transactions, on one thread at a time.
/// </summary>
internal sealed class SqliteLog(string path, SqliteSession session)
{
    /// <summary>How long a writer must have had nothing to do before it empties the log.</summary>
    public const int IdleMilliseconds = 10_000;

    // One and a half times the length to which SQLite's own checkpoints keep the log.
    private const long Limit = 48 * 1024 * 1024;

    // Where a reader uses the log all the time, the next attempt follows when the log is longer by this much.
    private const long NextTry = 16 * 1024 * 1024;

    // A log below this length is not worth the fsync that empties it.
    private const long Small = 1024 * 1024;

    // Milliseconds. No process writes to the file while the checkpoint waits for the readers to finish: ordinary reads end within milliseconds, an export
    // takes longer and is not waited for.
    private const int Patience = 200;

    private static readonly TimeSpan s_switchPause = TimeSpan.FromMilliseconds(100);

    private readonly FileInfo _file = new(path + "-wal");
    private long _next = Limit;
    private long _length;

    /// <summary>Whether <see cref="Shrink"/> would free a noteworthy part of the disk; false after it until the next commit.</summary>
    public bool IsWorthShrinking => _length > Small;

    /// <summary>
    /// Switches the session's file to WAL, unless it is in that mode already. While another process writes to a file that is not yet in WAL mode, SQLite
    /// refuses the switch at once, whatever <c>busy_timeout</c> says, so the switch is attempted again: two programs may create a file at the same time.
    /// </summary>
    /// <param name="session">The session.</param>
    /// <param name="patience">How long the switch is attempted. An attempt for which SQLite does wait may take <c>busy_timeout</c> longer.</param>
    /// <param name="time">Clock of <paramref name="patience"/>.</param>
    /// <param name="wait">Blocks for so long.</param>
    /// <exception cref="SqliteException">The other process holds the lock for longer, or the file can't be used.</exception>
    public static void SwitchOn(SqliteSession session, TimeSpan patience, TimeProvider time, Action<TimeSpan> wait)
    {
        long start = time.GetTimestamp();
        while (true)
        {
            try
            {
                session.Run("PRAGMA journal_mode = WAL");
                return;
            }
            catch (SqliteException e) when (e.SqliteErrorCode == raw.SQLITE_BUSY && time.GetElapsedTime(start) < patience)
            {
                wait(s_switchPause);
            }
        }
    }

    /// <summary>Begins the log anew if it has become too long. To be called after each commit; usually costs one look at the file's length.</summary>
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
            // After a complete checkpoint new readers need the file only, and the next write begins the log anew, cut to journal_size_limit.
            _next = Checkpoint("RESTART") ? Limit : _length + NextTry;
        }
    }

    /// <summary>Copies the log into the file and empties it, unless another session reads or writes meanwhile.</summary>
    public void Shrink()
    {
        _length = 0;
        Checkpoint("TRUNCATE");
    }

    private bool Checkpoint(string mode)
    {
        try
        {
            session.Run(FormattableString.Invariant($"PRAGMA busy_timeout = {Patience}"));
            try
            {
                // The first column is 1 if the checkpoint could not be completed.
                return session.Number($"PRAGMA wal_checkpoint({mode})") == 0;
            }
            finally
            {
                session.Run(FormattableString.Invariant($"PRAGMA busy_timeout = {SqliteFile.LockTimeoutMilliseconds}"));
            }
        }
        catch (SqliteException)
        {
            // The disk is full, or the file is locked: the log stays as it is, and the next write fails for the same reason.
            return false;
        }
    }
}
