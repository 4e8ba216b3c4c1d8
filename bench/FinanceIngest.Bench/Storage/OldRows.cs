using System.Buffers.Binary;
using FinanceIngest.Bench.Load;
using FinanceIngest.Results;
using FinanceIngest.Sqlite;
using Microsoft.Data.Sqlite;

namespace FinanceIngest.Bench.Storage;

/// <summary>
/// The rows that an installation of some age has: evenly spread over 400 days, in batches of <see cref="PerBatch"/>, one in a hundred an anomaly whose alert
/// was sent and forgotten. Everything in a row derives from its number, so that a row can be named without being read, and put back after it was purged.
/// </summary>
/// <param name="count">The number of rows; they are numbered from 1, and the number is the row's <c>id</c>.</param>
/// <param name="baselines">The number of baselines, over all of which the rows are spread.</param>
/// <param name="keys">What the ids derive from; not <see cref="KeyKind.None"/>, whose ids are not the same twice.</param>
internal sealed class OldRows(long count, int baselines, KeyKind keys)
{
    /// <summary>The rows of a batch.</summary>
    public const int PerBatch = 5000;

    private const int Chunk = 20_000;
    private const int ProgressEvery = 5_000_000;

    private const string InsertSql =
        """
        INSERT INTO anomaly_transactions (id, transaction_id, user_id, category_id, amount, z_score, is_anomaly, status, reason, mean, std_dev, sample_count,
            occurred_at, accepted_at, created_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
        """;

    private static readonly DateTime s_end = new(2025, 10, 9, 12, 0, 0, DateTimeKind.Utc);
    private static readonly TimeSpan s_span = TimeSpan.FromDays(400);
    private readonly long _step = s_span.Ticks / count / TimeSpan.TicksPerMicrosecond * TimeSpan.TicksPerMicrosecond;

    public long Count => count;

    public int Baselines => baselines;

    public KeyKind Keys => keys;

    /// <summary>The place of a row's batch in the feed: the number of its last row.</summary>
    public long PositionOf(long number) => Math.Min(IndexOf(number) * PerBatch, count);

    /// <summary>When a row's transaction occurred (UTC).</summary>
    public DateTime OccurredAt(long number) => s_end - s_span + TimeSpan.FromTicks(_step * number);

    /// <summary>When a row was written (UTC): together with the last of its batch.</summary>
    public DateTime CreatedAt(long number) => OccurredAt(PositionOf(number));

    /// <summary>The id of a row's batch.</summary>
    public long BatchOf(long number) => BatchId.First(CreatedAt(number)) | (IndexOf(number) & 0x1FFFFF);

    /// <summary>The number of rows that were written before an instant.</summary>
    public long CountBefore(DateTime instant)
    {
        long low = 0;
        long high = IndexOf(count);
        while (low < high)
        {
            long middle = (low + high + 1) / 2;
            (low, high) = CreatedAt(Math.Min(middle * PerBatch, count)) < instant ? (middle, high) : (low, middle - 1);
        }

        return Math.Min(low * PerBatch, count);
    }

    /// <summary>The user of a row.</summary>
    public long UserOf(long number) => BaselineOf(number).UserId;

    /// <summary>The certified id of a row, which the intake gives to a transaction with the row's user and key.</summary>
    public Guid IdOf(long number) => Installation.Ids.ForIdempotencyKey(UserOf(number), KeyOf(number));

    /// <summary>
    /// Fills a new database, which no other process may use meanwhile. The rows are inserted in the order of their times, with all indexes in place, so that
    /// the index over ids has the shape that an installation gives it. Nothing is durable until the end: a fill that is interrupted has to begin anew.
    /// </summary>
    /// <param name="path">The database, with the service's schema and without rows.</param>
    /// <param name="say">Is told the progress.</param>
    /// <param name="cancellationToken">Abandons the fill.</param>
    public void Fill(string path, Action<string> say, CancellationToken cancellationToken)
    {
        using (SqliteSession session = Open(path))
        {
            session.Run("PRAGMA journal_mode = DELETE; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE");

            // Ids of random keys fall anywhere into the index, which therefore stays in memory: some 80 bytes a row at most.
            session.Run(FormattableString.Invariant($"PRAGMA cache_size = -{Math.Max(64 * 1024, keys == KeyKind.Random ? count * 80 / 1024 : 0)}"));
            session.InTransaction(() =>
            {
                AddBaselines(session);
                InsertRows(session, 1, count, say, cancellationToken);
                AddBatches(session);
            });
        }

        // A file that was opened exclusively stays so until it is closed.
        using SqliteSession again = Open(path);
        again.Run("PRAGMA journal_mode = WAL");
    }

    /// <summary>Puts back what runs have purged, and removes what they have added.</summary>
    public void Restore(string path, Action<string> say, CancellationToken cancellationToken)
    {
        using SqliteSession session = Open(path);
        session.Run("PRAGMA synchronous = OFF; PRAGMA cache_size = -262144");
        long first = session.Number("SELECT coalesce(min(id), ?1) FROM anomaly_transactions", count + 1);
        session.InTransaction(() =>
        {
            session.Execute("DELETE FROM anomaly_transactions WHERE id > ?1", count);
            session.Execute("DELETE FROM feed_batches WHERE position > ?1", PositionOf(count));
            session.Execute("DELETE FROM alert_outbox");
            session.Execute("DELETE FROM purged_transactions");
            if (first > 1)
            {
                say($"  putting {first - 1:N0} purged rows back");
                InsertRows(session, 1, first - 1, say, cancellationToken);
            }
        });
        session.Run("PRAGMA wal_checkpoint(TRUNCATE)");
    }

    // The number of a row's batch, from 1.
    private static long IndexOf(long number) => ((number - 1) / PerBatch) + 1;

    private static SqliteSession Open(string path)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        connection.Open();
        var session = new SqliteSession(connection);
        session.Run("PRAGMA busy_timeout = 10000");
        return session;
    }

    // Sebastiano Vigna's splitmix64 (https://prng.di.unimi.it/splitmix64.c): neighbours have nothing in common.
    private static ulong Mix(ulong number)
    {
        ulong z = number * 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    private (long UserId, long CategoryId, double Mean, double StdDev) BaselineOf(long number) =>
        TransactionSource.Baseline((int)(Mix((ulong)number) % (ulong)baselines));

    private string KeyOf(long number)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, Mix((ulong)number ^ 0x5555_5555));
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], Mix((ulong)number ^ 0xAAAA_AAAA));
        if (keys == KeyKind.Version7)
        {
            long milliseconds = (OccurredAt(number) - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMillisecond;
            BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)(milliseconds >> 32));
            BinaryPrimitives.WriteUInt32BigEndian(bytes[2..], (uint)milliseconds);
        }

        // RFC 9562: the version in the first four bits of the seventh byte, the variant in the first two of the ninth.
        bytes[6] = (byte)((bytes[6] & 0x0F) | (keys == KeyKind.Version7 ? 0x70 : 0x40));
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new Guid(bytes, bigEndian: true).ToString("D");
    }

    private void AddBaselines(SqliteSession session)
    {
        SqliteStatement insert = session.Prepare(
            "INSERT INTO anomaly_stats (user_id, category_id, mean, std_dev, sample_count, created_at) VALUES (?1, ?2, ?3, ?4, 50, ?5)");
        for (int number = 0; number < baselines; number++)
        {
            (long userId, long categoryId, double mean, double stdDev) = TransactionSource.Baseline(number);
            insert.Execute(userId, categoryId, mean, stdDev, s_end);
        }
    }

    private void AddBatches(SqliteSession session)
    {
        SqliteStatement insert = session.Prepare("INSERT INTO feed_batches (position, batch_id, last_id) VALUES (?1, ?2, ?1)");
        for (long index = 1; index <= IndexOf(count); index++)
        {
            long last = PositionOf(index * PerBatch);
            insert.Execute(last, BatchOf(last));
        }
    }

    private void InsertRows(SqliteSession session, long from, long to, Action<string> say, CancellationToken cancellationToken)
    {
        SqliteStatement insert = session.Prepare(InsertSql);
        Task<Guid[]> next = IdsAsync(from, to);
        for (long chunk = from; chunk <= to; chunk += Chunk)
        {
            // The ids of the next chunk are made while this one is inserted.
            Guid[] ids = next.GetAwaiter().GetResult();
            next = IdsAsync(chunk + Chunk, to);
            for (int i = 0; i < ids.Length; i++)
            {
                InsertRow(insert, chunk + i, ids[i]);
            }

            cancellationToken.ThrowIfCancellationRequested();
            if (chunk / ProgressEvery != (chunk + Chunk) / ProgressEvery)
            {
                say($"    {chunk + Chunk - 1:N0} rows");
            }
        }
    }

    private Task<Guid[]> IdsAsync(long from, long to) => Task.Run(() =>
    {
        var ids = new Guid[Math.Clamp(to - from + 1, 0, Chunk)];
        for (int i = 0; i < ids.Length; i++)
        {
            ids[i] = IdOf(from + i);
        }

        return ids;
    });

    private void InsertRow(SqliteStatement insert, long number, Guid id)
    {
        (long userId, long categoryId, double mean, double stdDev) = BaselineOf(number);
        bool isAnomaly = number % 100 == 0;
        double deviations = isAnomaly ? 10 : 0.5;
        DateTime occurredAt = OccurredAt(number);
        insert.Execute(
            number, id, userId, categoryId, (long)((mean + (deviations * stdDev)) * 10_000), deviations, isAnomaly ? 1 : 0,
            Names.Of(TransactionStatus.Scored), Names.Of(ScoreReason.Scored), mean, stdDev, 50, occurredAt, occurredAt, CreatedAt(number));
    }
}
