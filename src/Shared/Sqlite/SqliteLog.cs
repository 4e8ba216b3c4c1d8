using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace FinanceIngest.Sqlite;

/// <summary>
/// Copies a file's write-ahead log into the file (a checkpoint), and bounds the log. A thread of its own copies, on a connection of its own, while the writer
/// goes on: on the writer's connection the copy would hold up every commit for as long as it takes. The log begins anew when all of it was copied and nobody
/// reads it (https://sqlite.org/wal.html#avoiding_excessively_large_wal_files): where writes or reads overlap without a gap, that moment has to be made.
/// The writer uses this class between transactions, on one thread at a time.
/// </summary>
/// <param name="path">The file.</param>
/// <param name="session">The writer's connection, which must not copy by itself (<c>wal_autocheckpoint</c>).</param>
/// <param name="open">Opens a connection for the thread that copies.</param>
internal sealed class SqliteLog(string path, SqliteSession session, Func<SqliteSession> open) : IDisposable
{
    /// <summary>How long a writer must have had nothing to do before it empties the log.</summary>
    public const int IdleMilliseconds = 10_000;

    /// <summary>
    /// Pages in the log, 32 MiB, before it is copied: a page that was rewritten meanwhile is copied once, and the fsyncs of the copy are fewer.
    /// </summary>
    public const int Long = 8 * 1024;

    /// <summary>
    /// Pages, 96 MiB, at which the writer waits for the copy and for the readers. A writer that is as fast as the copy gets there. A log that begins anew keeps
    /// so much of the disk (<c>journal_size_limit</c>), because to write pages that are there already takes less than to lengthen the file.
    /// </summary>
    public const int Limit = 3 * Long;

    // Where a reader uses the log all the time, the next attempt to begin it anew follows when it is longer by so many pages, 16 MiB.
    private const int NextTry = 4 * 1024;

    // So few pages, 4 MiB, the writer copies itself, because no page may be added before the log can begin anew. The next copy follows after as many.
    private const int Few = 1024;

    // A log below this number of pages, 1 MiB, is not worth the fsync that empties it.
    private const int Small = 256;

    // Milliseconds. No process writes to the file while the checkpoint waits for the readers to finish: ordinary reads end within milliseconds, an export
    // takes longer and is not waited for.
    private const int Patience = 200;

    private static readonly TimeSpan s_switchPause = TimeSpan.FromMilliseconds(100);

    private readonly string _name = $"copier of {Path.GetFileName(path)}";

    // The thread that copies, or has copied since the last look; and its connection, which no other thread uses while it runs.
    private Thread? _copier;
    private SqliteSession? _copies;
    private long _nextCopy = Long;
    private long _nextRestart = Limit;
    private long _longest;

    /// <summary>Whether <see cref="Shrink"/> would free a noteworthy part of the disk; false after it until the next commit.</summary>
    public bool IsWorthShrinking => _longest > Small;

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

    /// <summary>Has the log copied if it has become long. To be called after each commit; usually costs one look at the log's length.</summary>
    public void AfterCommit()
    {
        (long pages, long copied) = Lengths();
        _longest = Math.Max(_longest, pages);
        if (pages < Long)
        {
            (_nextCopy, _nextRestart) = (Long, Limit);
            return;
        }

        if (pages >= _nextRestart)
        {
            // After a complete checkpoint new readers need the file only, and the next write begins the log anew, cut to journal_size_limit.
            WaitForCopy();
            _nextRestart = Checkpoint("RESTART") ? Limit : pages + NextTry;
        }
        else if (_copier is not { IsAlive: true })
        {
            bool isFew = pages - copied <= Few;
            bool hasCopied = _copier is not null;
            _copier = null;
            if (pages >= _nextCopy || (hasCopied && isFew))
            {
                _nextCopy = pages + Few;
                Copy(isFew);
            }
        }
    }

    /// <summary>Copies the log into the file and empties it, unless another session reads or writes meanwhile.</summary>
    public void Shrink()
    {
        _longest = 0;
        WaitForCopy();
        Checkpoint("TRUNCATE");
    }

    /// <summary>Waits for a copy that is under way, and closes its connection; the writer's stays open.</summary>
    public void Dispose()
    {
        WaitForCopy();
        _copies?.Dispose();
    }

    // What SQLite calls "log" and "checkpointed": the pages in the log, and those of them that are in the file.
    private (long Pages, long Copied) Lengths()
    {
        try
        {
            return session.Single("PRAGMA wal_checkpoint(NOOP)", static row => (row.GetInt64(1), row.GetInt64(2)));
        }
        catch (SqliteException)
        {
            // The next write fails for the same reason, or the next look succeeds.
            return default;
        }
    }

    private void Copy(bool isFew)
    {
        if (isFew)
        {
            Checkpoint("PASSIVE");
            return;
        }

        _copier = new Thread(Copy) { IsBackground = true, Name = _name };
        _copier.Start();
    }

    private void Copy()
    {
        try
        {
            if (_copies is { HasMoved: true })
            {
                CloseCopies();
            }

            _copies ??= open();
            _copies.Number("PRAGMA wal_checkpoint(PASSIVE)");
        }
        catch (Exception)
        {
            // The disk is full, say, or the file is gone. The writer copies the log itself when it reaches the limit, and its next write fails if that can't
            // be.
            CloseCopies();
        }
    }

    private void CloseCopies()
    {
        _copies?.Dispose();
        _copies = null;
    }

    private void WaitForCopy()
    {
        _copier?.Join();
        _copier = null;
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
