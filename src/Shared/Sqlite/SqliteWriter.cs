using System.Collections.Concurrent;

namespace FinanceIngest.Sqlite;

/// <summary>
/// Group commit: writes that arrive while a commit is under way share the next one, so that many small writes cost one
/// fsync. A single write starts at once. A commit includes at most one long write, and short writes go before it, so that a short write waits for one
/// long write at most. The writer has a thread, because SQLite's calls block. A caller that allows it runs its write itself while nobody else writes: two
/// changes of threads fewer, each of which takes milliseconds where other programs keep the cores busy.
/// </summary>
internal sealed class SqliteWriter : IDisposable
{
    private const int MaximumGroup = 512;

    // At most so many callers of this process stand in a commit of their own at the same time, over all files, so that the pool keeps a thread that computes.
    private static readonly int s_mostHere = Math.Max(1, Environment.ProcessorCount - 1);
    private static int s_here;
    private readonly SqliteSession _session;
    private readonly string _path;
    private readonly SqliteLog _log;
    private bool _isClosed;
    private volatile bool _hasMoved;

    // Null only wakes the writer's thread.
    private readonly BlockingCollection<Write?> _writes = new(boundedCapacity: 100_000);

    // Whoever holds it uses the session and the log: the writer's thread for one group at a time, or a caller for its own write.
    private readonly Lock _turn = new();

    // The writer's thread waits for its turn, so that callers let it go first.
    private volatile bool _isThreadNext;

    // Whether the writer's thread will look whether the log can be emptied; and when the last commit was, in milliseconds of Environment.TickCount64.
    private bool _isWatchingLog;
    private long _committedAt;
    private readonly List<Write> _own = new(1);
    private readonly Queue<Write> _long = new();
    private readonly Thread _thread;

    /// <param name="session">The connection; the writer disposes of it.</param>
    /// <param name="path">The file's full path.</param>
    /// <param name="log">The file's write-ahead log, which the writer bounds between commits.</param>
    public SqliteWriter(SqliteSession session, string path, SqliteLog log)
    {
        _path = path;
        _session = session;
        _log = log;
        _thread = new Thread(Run) { IsBackground = true, Name = $"writer of {Path.GetFileName(path)}" };
        _thread.Start();
    }

    /// <summary>
    /// Whether the file at the path is no longer the one that this writer has open. While a commit is under way, this is what was found at its begin: only the
    /// thread whose turn it is may use the session.
    /// </summary>
    public bool HasMoved
    {
        get
        {
            if (!_turn.IsHeldByCurrentThread && _turn.TryEnter())
            {
                try
                {
                    return !_isClosed && HasMovedNow();
                }
                finally
                {
                    _turn.Exit();
                }
            }

            return _hasMoved;
        }
    }

    /// <summary>Runs a write in one of the next commits; see <see cref="SqliteFile.WriteAsync"/>.</summary>
    /// <param name="work">The write.</param>
    /// <param name="isDurable">Whether the write must be on the disk before it is reported; a commit without such a write costs no fsync.</param>
    /// <param name="beforeCommit">Runs when every write of the group is done and only the commit is left; an exception from it undoes this write.</param>
    /// <param name="isLong">Whether the write takes some milliseconds, so that an fsync of its own adds little.</param>
    /// <param name="onThisThread">Whether the caller's thread may run the write, and its fsync, where no other write is under way or waits.</param>
    /// <param name="cancellationToken">Cancels the write while it waits for its turn.</param>
    public Task<T> RunAsync<T>(
        Func<SqliteSession, T> work, bool isDurable, Action? beforeCommit, bool isLong, bool onThisThread, CancellationToken cancellationToken)
    {
        var write = new Write<T>(work, isDurable, beforeCommit, isLong, cancellationToken);
        if (!onThisThread || !TryRunHere(write))
        {
            try
            {
                _writes.Add(write, cancellationToken);
            }
            catch (OperationCanceledException) when (write.IsCancelled())
            {
                // Its task says so, as it does when the write is cancelled later.
            }
        }

        return write.Completion;
    }

    /// <summary>Finishes the writes that were handed in, then closes the connection.</summary>
    public void Dispose()
    {
        _writes.CompleteAdding();
        _thread.Join();
        lock (_turn)
        {
            _isClosed = true;
            _hasMoved = false;
            _session.Dispose();
        }

        _writes.Dispose();
    }

    // False: others write, or the writer is being disposed of.
    private bool TryRunHere(Write write)
    {
        if (_isThreadNext || _writes.Count > 0 || _writes.IsAddingCompleted || _turn.IsHeldByCurrentThread)
        {
            return false;
        }

        try
        {
            return Interlocked.Increment(ref s_here) <= s_mostHere && TryTakeTurn(write);
        }
        finally
        {
            Interlocked.Decrement(ref s_here);
        }
    }

    private bool TryTakeTurn(Write write)
    {
        if (!_turn.TryEnter())
        {
            return false;
        }

        try
        {
            if (_isClosed)
            {
                return false;
            }

            if (!write.IsCancelled())
            {
                _own.Add(write);
                Commit(_own);
                _own.Clear();
                AfterCommit();
            }

            return true;
        }
        finally
        {
            _turn.Exit();
        }
    }

    // The caller has the turn.
    private void AfterCommit()
    {
        _log.AfterCommit();
        _committedAt = Environment.TickCount64;
        if (_log.IsWorthShrinking && !_isWatchingLog)
        {
            _isWatchingLog = true;
            Nudge();
        }
    }

    private void Nudge()
    {
        try
        {
            _writes.TryAdd(null);
        }
        catch (InvalidOperationException)
        {
            // The writer is being disposed of, and the last connection to close the file empties the log.
        }
    }

    private void Run()
    {
        var group = new List<Write>(MaximumGroup);
        while (_long.Count > 0 || TryTakeFirst(group))
        {
            _isThreadNext = true;
            lock (_turn)
            {
                _isThreadNext = false;
                while (group.Count < MaximumGroup && _writes.TryTake(out Write? next))
                {
                    Add(next, group);
                }

                if (_long.TryDequeue(out Write? longest))
                {
                    group.Add(longest);
                }

                group.RemoveAll(write => write.IsCancelled());
                if (group.Count > 0)
                {
                    Commit(group);
                    group.Clear();
                    AfterCommit();
                }
            }
        }
    }

    private void Add(Write? write, List<Write> group)
    {
        if (write is { IsLong: true })
        {
            _long.Enqueue(write);
        }
        else if (write is not null)
        {
            group.Add(write);
        }
    }

    // False: the writer is being disposed of, and no write is left.
    private bool TryTakeFirst(List<Write> group)
    {
        bool isTaken = TryTakeFirst(out Write? first);
        if (isTaken)
        {
            Add(first, group);
        }

        return isTaken;
    }

    private bool TryTakeFirst(out Write? first)
    {
        while (IsLogToBeWatched())
        {
            if (_writes.TryTake(out first, SqliteLog.IdleMilliseconds))
            {
                return true;
            }

            // The last connection to close the file empties the log anyway.
            if (_writes.IsAddingCompleted)
            {
                break;
            }

            lock (_turn)
            {
                // Callers may have written meanwhile.
                if (Environment.TickCount64 - _committedAt >= SqliteLog.IdleMilliseconds)
                {
                    _log.Shrink();
                }
            }
        }

        return _writes.TryTake(out first, Timeout.Infinite);
    }

    private bool IsLogToBeWatched()
    {
        lock (_turn)
        {
            return _isWatchingLog = _log.IsWorthShrinking;
        }
    }

    private void Commit(List<Write> group)
    {
        // Into a file that nobody will find, only the removal of what is read out of it is written.
        if (HasMovedNow())
        {
            FailDurable(group);
            group.RemoveAll(write => write.IsDurable);
        }

        if (group.Count == 0)
        {
            return;
        }

        try
        {
            _session.SetDurable(group.Exists(write => write.IsDurable));
            _session.Begin();
        }
        catch (Exception e)
        {
            // The file is locked or gone: no write is at fault, and none would fare better by itself.
            group.ForEach(write => write.Fail(e));
            return;
        }

        try
        {
            _session.FinishTransaction(() =>
            {
                group.ForEach(write => write.Apply(_session));
                group.ForEach(write => write.BeforeCommit?.Invoke());
            });
        }
        catch (Exception) when (group.Count > 1)
        {
            // Nothing of the group remains. Each write is run again by itself, which shows the one that failed.
            foreach (Write write in group.Where(write => !write.IsCancelled()))
            {
                Commit([write]);
            }

            return;
        }
        catch (Exception e)
        {
            group[0].Fail(e);
            return;
        }

        // A write is reported when the file was still there after it. What was reported before it was deleted went with it.
        if (group.Exists(write => write.IsDurable) && HasMovedNow())
        {
            FailDurable(group);
            group.RemoveAll(write => write.IsDurable);
        }

        group.ForEach(write => write.Succeed());
    }

    // The caller has the turn.
    private bool HasMovedNow() => _hasMoved = _session.HasMoved;

    private void FailDurable(List<Write> group)
    {
        var moved = new MovedFileException(_path);
        group.FindAll(write => write.IsDurable).ForEach(write => write.Fail(moved));
    }

    private abstract class Write(bool isDurable, bool isLong, Action? beforeCommit)
    {
        public bool IsDurable => isDurable;

        public bool IsLong => isLong;

        public Action? BeforeCommit => beforeCommit;

        public abstract bool IsCancelled();

        public abstract void Apply(SqliteSession session);

        public abstract void Succeed();

        public abstract void Fail(Exception exception);
    }

    private sealed class Write<T>(Func<SqliteSession, T> work, bool isDurable, Action? beforeCommit, bool isLong, CancellationToken cancellationToken)
        : Write(isDurable, isLong, beforeCommit)
    {
        // The caller's continuations must not run on the writer's thread.
        private readonly TaskCompletionSource<T> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private T? _result;

        public Task<T> Completion => _completion.Task;

        public override bool IsCancelled() => cancellationToken.IsCancellationRequested && _completion.TrySetCanceled(cancellationToken);

        public override void Apply(SqliteSession session) => _result = work(session);

        public override void Succeed() => _completion.TrySetResult(_result!);

        public override void Fail(Exception exception) => _completion.TrySetException(exception);
    }
}
