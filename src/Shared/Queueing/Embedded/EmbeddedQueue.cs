using System.Text;
using FinanceIngest.Ground;
using FinanceIngest.Sqlite;
using Microsoft.Data.Sqlite;

namespace FinanceIngest.Queueing.Embedded;

/// <summary>
/// A durable queue in a SQLite file of its own, with Azure Queue Storage's semantics: visibility timeout, pop receipt, dequeue
/// count. Several processes may use one file.
/// </summary>
internal sealed class EmbeddedQueue : IMessageQueue, IDisposable
{
    // A message's text is kept apart from its state: leasing rewrites a row of a few bytes, not 64 KiB. A text is TEXT, or a BLOB where it is packed (see
    // MessageBody).
    private const string Schema = """
        CREATE TABLE IF NOT EXISTS messages (
            seq INTEGER PRIMARY KEY,
            id BLOB NOT NULL CHECK (length(id) = 16),
            inserted_at INTEGER NOT NULL,
            visible_at INTEGER NOT NULL,
            dequeue_count INTEGER NOT NULL DEFAULT 0,
            pop_receipt INTEGER NOT NULL,
            transactions INTEGER NOT NULL
        );
        CREATE INDEX IF NOT EXISTS messages_by_visibility ON messages (visible_at, seq);
        CREATE TABLE IF NOT EXISTS texts (seq INTEGER PRIMARY KEY, text TEXT NOT NULL);
        CREATE TABLE IF NOT EXISTS probe (id INTEGER PRIMARY KEY, at INTEGER NOT NULL);
        """;

    /// <summary>What the file is. The application id reads "FIqu" in the file's header.</summary>
    internal static readonly SqliteMark Mark = new(0x46497175, 1, "queue", "messages");

    // Messages that a search holds in memory at once.
    private const int RewritePage = 64;

    // A text of up to so many bytes is written on the sender's thread. Longer ones come several at a time, and share a commit.
    private const int ShortText = MessageText.MaximumLength / 2;

    private readonly SqliteFile _file;
    private readonly TimeProvider _time;
    private readonly DependencyStatus _status;

    // Whether this process has sent a message since it last asked for some, so that it need not look whether there is one.
    private bool _hasSent;

    /// <param name="directory">Folder of the queue's file, <c>queue-NAME.db</c>.</param>
    /// <param name="name">The queue's name.</param>
    /// <param name="time">Clock of visibility; all processes on the file run on one machine and share its clock.</param>
    /// <param name="status">Is told whether each use succeeded.</param>
    /// <param name="readsOnly">Whether nothing may be made: a missing queue reads as an empty one.</param>
    public EmbeddedQueue(string directory, string name, TimeProvider time, DependencyStatus status, bool readsOnly = false)
    {
        Name = name;
        _time = time;
        _status = status;
        _file = new SqliteFile(Path.Combine(directory, FileOf(name)), Mark, CreateSchema, readsOnly ? static _ => { } : null, isDrained: true);
        status.Watch(() => _file.Moved);
    }

    /// <summary>The queue's file.</summary>
    internal SqliteFile File => _file;

    /// <summary>The name of a queue's file in the data directory.</summary>
    internal static string FileOf(string name) => $"queue-{name}.db";

    private static void CreateSchema(SqliteSession session) => session.InTransaction(() => session.Run(Schema));

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public Task EnsureExistsAsync(CancellationToken cancellationToken) => ReadAsync(_ => 0, cancellationToken);

    /// <inheritdoc/>
    public async Task<LeasedMessage> SendAsync(MessageBody body, TimeSpan visibilityDelay, CancellationToken cancellationToken)
    {
        if (body.Length > MessageText.MaximumLength)
        {
            throw new ArgumentException($"A message text has at most {MessageText.MaximumLength} bytes.", nameof(body));
        }

        DateTime now = _time.GetUtcNow().UtcDateTime;
        var uuid = Guid.CreateVersion7();
        string id = uuid.ToString("D");
        long receipt = NewReceipt();
        SqliteValue text = body.Packed is { } packed ? packed : body.Text;
        int transactions = TransactionCount.In(body);
        LeasedMessage sent = await WriteAsync(
            session =>
            {
                long seq = session.Insert(
                    "INSERT INTO messages (id, inserted_at, visible_at, pop_receipt, transactions) VALUES (?1, ?2, ?3, ?4, ?5)",
                    uuid, now.Ticks, now.Ticks + visibilityDelay.Ticks, receipt, transactions);
                session.Execute("INSERT INTO texts (seq, text) VALUES (?1, ?2)", seq, text);
                return (LeasedMessage)new EmbeddedLease(this, seq, receipt) { Id = id, Body = body, InsertedAt = now, DequeueCount = 0 };
            },
            cancellationToken,
            onThisThread: body.Length <= ShortText);
        if (visibilityDelay <= TimeSpan.Zero)
        {
            Volatile.Write(ref _hasSent, true);
        }

        return sent;
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<LeasedMessage>> ReceiveAsync(int maximum, TimeSpan lease, CancellationToken cancellationToken)
    {
        long now = _time.GetUtcNow().Ticks;

        // An empty poll is a read: it takes no write lock and costs no fsync.
        bool hasSent = Interlocked.Exchange(ref _hasSent, false);
        if (!hasSent && !await HasVisibleAsync(now, cancellationToken))
        {
            return [];
        }

        long receipt = NewReceipt();
        return await WriteWithoutFsyncAsync(
            session =>
            {
                List<long> taken = session.Query(
                    "SELECT seq FROM messages WHERE visible_at <= ?1 ORDER BY visible_at, seq LIMIT ?2", row => row.GetInt64(0), now, maximum);
                return (IReadOnlyList<LeasedMessage>)taken.ConvertAll<LeasedMessage>(seq => Take(session, seq, now + lease.Ticks, receipt));
            },
            cancellationToken,
            onThisThread: hasSent);
    }

    private Task<bool> HasVisibleAsync(long now, CancellationToken cancellationToken) => ReadAsync(
        session => session.Number("SELECT EXISTS (SELECT 1 FROM messages WHERE visible_at <= ?1)", now) == 1, cancellationToken, onThisThread: true);

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> PeekAsync(int maximum, CancellationToken cancellationToken) => ReadAsync(
        session => (IReadOnlyList<string>)session.Query(
            "SELECT t.text FROM messages m JOIN texts t ON t.seq = m.seq WHERE m.visible_at <= ?1 ORDER BY m.visible_at, m.seq LIMIT ?2",
            row => ReadBody(row, 0).Text,
            _time.GetUtcNow().Ticks, maximum),
        cancellationToken);

    /// <inheritdoc/>
    public Task<QueueDepth> GetDepthAsync(CancellationToken cancellationToken) => ReadAsync(
        session => session.Single(
            "SELECT count(*), (SELECT inserted_at FROM messages WHERE visible_at <= ?1 ORDER BY seq LIMIT 1) FROM messages",
            row => new QueueDepth(row.GetInt64(0), row.GetInt64OrNull(1) is { } ticks ? new DateTime(ticks, DateTimeKind.Utc) : null),
            _time.GetUtcNow().Ticks),
        cancellationToken);

    /// <inheritdoc/>
    public Task<TransactionCount?> CountTransactionsAsync(CancellationToken cancellationToken) => ReadAsync<TransactionCount?>(
        session => new TransactionCount(session.Number("SELECT coalesce(sum(transactions), 0) FROM messages"), IsEstimate: false),
        cancellationToken);

    /// <inheritdoc/>
    public async Task<QueueRewrite?> RewriteAsync(Func<string, MessageBody, MessageRewrite?> rewrite, CancellationToken cancellationToken)
    {
        var outcome = default(QueueRewrite);
        for (long after = long.MinValue; ;)
        {
            List<(long Seq, string Id, MessageBody Body, bool IsLeased)> page = await ReadAsync(
                session => session.Query(
                    """
                    SELECT m.seq, m.id, t.text, m.dequeue_count > 0 AND m.visible_at > ?2
                    FROM messages m JOIN texts t ON t.seq = m.seq WHERE m.seq > ?1 ORDER BY m.seq LIMIT ?3
                    """,
                    row => (row.GetInt64(0), row.GetGuid(1).ToString("D"), ReadBody(row, 2), row.GetInt64(3) == 1),
                    after, _time.GetUtcNow().Ticks, RewritePage),
                cancellationToken);
            if (page.Count == 0)
            {
                return outcome;
            }

            after = page[^1].Seq;
            foreach ((long seq, string id, MessageBody body, bool isLeased) in page)
            {
                if (rewrite(id, body) is { } change && await WriteAsync(session => Rewrite(session, seq, change.Texts), cancellationToken))
                {
                    outcome = new QueueRewrite(outcome.Changed + 1, outcome.InHand + (isLeased ? 1 : 0));
                }
            }
        }
    }

    /// <inheritdoc/>
    public Task<bool> ForgetDeletedAsync(CancellationToken cancellationToken) => GuardAsync(_file.ForgetDeletedAsync(cancellationToken));

    // Where the message is leased, its lease stays: whoever holds it may delete it, and finds the new text if it comes again. Further messages have nobody who
    // could delete them, so what is in them comes again under the ids that it has, which does no harm.
    private static bool Rewrite(SqliteSession session, long seq, IReadOnlyList<string> texts)
    {
        if (texts.Count == 0)
        {
            session.Execute("DELETE FROM texts WHERE seq = ?1", seq);
            return session.Execute("DELETE FROM messages WHERE seq = ?1", seq) == 1;
        }

        if (texts.FirstOrDefault(text => Encoding.UTF8.GetByteCount(text) > MessageText.MaximumLength) is not null)
        {
            throw new ArgumentException($"A message text has at most {MessageText.MaximumLength} bytes.", nameof(texts));
        }

        bool isThere = session.Execute("UPDATE texts SET text = ?2 WHERE seq = ?1", seq, texts[0]) == 1
            && session.Execute("UPDATE messages SET transactions = ?2 WHERE seq = ?1", seq, TransactionCount.In(texts[0])) == 1;
        foreach (string text in isThere ? texts.Skip(1) : [])
        {
            long further = session.Number(
                """
                INSERT INTO messages (id, inserted_at, visible_at, dequeue_count, pop_receipt, transactions)
                SELECT ?2, inserted_at, visible_at, dequeue_count, ?3, ?4 FROM messages WHERE seq = ?1 RETURNING seq
                """,
                seq, Guid.CreateVersion7(), NewReceipt(), TransactionCount.In(text));
            session.Execute("INSERT INTO texts (seq, text) VALUES (?1, ?2)", further, text);
        }

        return isThere;
    }

    /// <inheritdoc/>
    public Task ProbeAsync(CancellationToken cancellationToken) => WriteAsync(
        session => session.Execute("INSERT INTO probe (id, at) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET at = excluded.at", _time.GetUtcNow().Ticks),
        cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private EmbeddedLease Take(SqliteSession session, long seq, long visibleAt, long receipt)
    {
        session.Execute("UPDATE messages SET visible_at = ?2, dequeue_count = dequeue_count + 1, pop_receipt = ?3 WHERE seq = ?1", seq, visibleAt, receipt);
        return session.Single(
            "SELECT m.id, t.text, m.inserted_at, m.dequeue_count FROM messages m JOIN texts t ON t.seq = m.seq WHERE m.seq = ?1",
            row => new EmbeddedLease(this, seq, receipt)
            {
                Id = row.GetGuid(0).ToString("D"),
                Body = ReadBody(row, 1),
                InsertedAt = new DateTime(row.GetInt64(2), DateTimeKind.Utc),
                DequeueCount = row.GetInt64(3),
            },
            seq);
    }

    private static MessageBody ReadBody(SqliteRow row, int column) =>
        row.GetBlobOrNull(column) is { } packed ? MessageBody.Unpack(packed) : row.GetString(column);

    private static long NewReceipt() => Random.Shared.NextInt64();

    private Task<T> ReadAsync<T>(Func<SqliteSession, T> read, CancellationToken cancellationToken, bool onThisThread = false) =>
        GuardAsync(_file.ReadAsync(read, cancellationToken, onThisThread));

    private Task<T> WriteAsync<T>(Func<SqliteSession, T> write, CancellationToken cancellationToken, bool onThisThread = false) =>
        GuardAsync(_file.WriteAsync(write, cancellationToken, onThisThread: onThisThread));

    // A lease or a delete need not survive a loss of power: the message is then delivered again, which this queue may always do.
    private Task<T> WriteWithoutFsyncAsync<T>(Func<SqliteSession, T> write, CancellationToken cancellationToken, bool onThisThread = false) =>
        GuardAsync(_file.WriteAsync(write, cancellationToken, isDurable: false, onThisThread: onThisThread));

    private async Task<T> GuardAsync<T>(Task<T> work)
    {
        try
        {
            T result = await work;
            _status.Succeeded();
            return result;
        }
        catch (Exception e) when (e is SqliteException or IOException or UnauthorizedAccessException)
        {
            _status.Failed(e);
            throw new QueueUnavailableException(Name, e);
        }
    }

    private sealed class EmbeddedLease(EmbeddedQueue queue, long seq, long receipt) : LeasedMessage
    {
        private long _receipt = receipt;

        public override Task<bool> TryDeleteAsync(CancellationToken cancellationToken) => queue.WriteWithoutFsyncAsync(
            session =>
            {
                bool held = session.Execute("DELETE FROM messages WHERE seq = ?1 AND pop_receipt = ?2", seq, _receipt) == 1;
                return held && session.Execute("DELETE FROM texts WHERE seq = ?1", seq) == 1;
            },
            cancellationToken);

        public override async Task<bool> TryExtendAsync(TimeSpan lease, CancellationToken cancellationToken)
        {
            long next = NewReceipt();
            bool held = await queue.WriteWithoutFsyncAsync(
                session => session.Execute(
                    "UPDATE messages SET visible_at = ?3, pop_receipt = ?4 WHERE seq = ?1 AND pop_receipt = ?2",
                    seq, _receipt, queue._time.GetUtcNow().Ticks + lease.Ticks, next) == 1,
                cancellationToken);
            _receipt = held ? next : _receipt;
            return held;
        }
    }
}
