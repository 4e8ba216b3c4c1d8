using System.Buffers.Binary;
using FinanceIngest.Ground;
using FinanceIngest.Transactions;

namespace FinanceIngest.Replay;

/// <summary>
/// Puts rows into the order in which they occurred, however many there are: as many as fit into memory are sorted there, and more are sorted in runs, which are
/// kept in a temporary file and merged (external merge sort, Knuth, TAOCP volume 3, 5.4). Rows that come in order already cost no more than that.
/// </summary>
/// <param name="rowsInMemory">Rows that are held in memory at most, ≥ 1; a row takes 72 bytes.</param>
/// <param name="folder">Where the temporary file is made, if one is; null: the system's folder for such files.</param>
internal sealed class TimeOrder(int rowsInMemory = TimeOrder.RowsInMemory, string? folder = null) : IDisposable
{
    /// <summary>Rows that are held in memory at most, unless somebody says otherwise: 36 MB of them.</summary>
    public const int RowsInMemory = 500_000;

    private const int RecordSize = 57;
    private const int RecordsRead = 1024;

    // By the time at which the transactions occurred, and then by their ids: the order in which a batch is learned.
    private static readonly Comparer<HistoryRow> s_byTime = Comparer<HistoryRow>.Create(static (one, other) =>
    {
        int order = one.OccurredAt.CompareTo(other.OccurredAt);
        return order == 0 ? one.Id.CompareTo(other.Id) : order;
    });

    private readonly List<HistoryRow> _rows = [];
    private readonly List<(long From, long To)> _runs = [];
    private FileStream? _file;

    /// <summary>Runs that were written to the temporary file.</summary>
    public int Runs => _runs.Count;

    /// <summary>Adds a row.</summary>
    /// <exception cref="IOException">The temporary file can't be written.</exception>
    public void Add(in HistoryRow row)
    {
        _rows.Add(row);
        if (_rows.Count == rowsInMemory)
        {
            WriteRun();
        }
    }

    /// <summary>Returns all rows in order, once.</summary>
    /// <exception cref="IOException">The temporary file can't be read or written.</exception>
    public IEnumerable<HistoryRow> Read()
    {
        if (_runs.Count == 0)
        {
            _rows.Sort(s_byTime);
            return _rows;
        }

        if (_rows.Count > 0)
        {
            WriteRun();
        }

        return Merge();
    }

    /// <summary>Removes the temporary file.</summary>
    public void Dispose() => _file?.Dispose();

    private void WriteRun()
    {
        _file ??= Create(folder ?? Path.GetTempPath());
        _rows.Sort(s_byTime);
        long from = _file.Position;
        Span<byte> record = stackalloc byte[RecordSize];
        foreach (HistoryRow row in _rows)
        {
            Write(record, row);
            _file.Write(record);
        }

        _runs.Add((from, _file.Position));
        _rows.Clear();
    }

    private IEnumerable<HistoryRow> Merge()
    {
        _file!.Flush();
        var next = new PriorityQueue<IEnumerator<HistoryRow>, HistoryRow>(_runs.Count, s_byTime);
        foreach ((long from, long to) in _runs)
        {
            IEnumerator<HistoryRow> run = ReadRun(from, to).GetEnumerator();
            if (run.MoveNext())
            {
                next.Enqueue(run, run.Current);
            }
        }

        while (next.TryDequeue(out IEnumerator<HistoryRow>? run, out HistoryRow row))
        {
            yield return row;
            if (run.MoveNext())
            {
                next.Enqueue(run, run.Current);
            }
        }
    }

    private IEnumerable<HistoryRow> ReadRun(long from, long to)
    {
        byte[] buffer = new byte[RecordSize * RecordsRead];
        while (from < to)
        {
            int wanted = (int)Math.Min(buffer.Length, to - from);
            for (int filled = 0; filled < wanted;)
            {
                int read = RandomAccess.Read(_file!.SafeFileHandle, buffer.AsSpan(filled, wanted - filled), from + filled);
                filled += read > 0 ? read : throw new EndOfStreamException("The temporary file of the rows has become shorter.");
            }

            from += wanted;
            for (int at = 0; at < wanted; at += RecordSize)
            {
                yield return Read(buffer.AsSpan(at, RecordSize));
            }
        }
    }

    // It holds what people spent, and so it is its owner's alone, and goes when it is closed.
    private static FileStream Create(string folder)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Options = FileOptions.DeleteOnClose,
            BufferSize = 1024 * 1024,
        };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = PrivateFiles.FileMode;
        }

        return new FileStream(Path.Combine(folder, $"finance-ingest-{Guid.NewGuid():N}"), options);
    }

    private static void Write(Span<byte> record, in HistoryRow row)
    {
        BinaryPrimitives.WriteInt64LittleEndian(record, row.OccurredAt.Ticks);
        row.Id.TryWriteBytes(record[8..]);
        BinaryPrimitives.WriteInt64LittleEndian(record[24..], row.RowId);
        BinaryPrimitives.WriteInt64LittleEndian(record[32..], row.UserId);
        BinaryPrimitives.WriteInt64LittleEndian(record[40..], row.CategoryId);
        BinaryPrimitives.WriteInt64LittleEndian(record[48..], Money.FromDecimal(row.Amount).Units);
        record[56] = row.IsAnomaly ? (byte)1 : (byte)0;
    }

    private static HistoryRow Read(ReadOnlySpan<byte> record) => new(
        BinaryPrimitives.ReadInt64LittleEndian(record[24..]),
        new Guid(record.Slice(8, 16)),
        BinaryPrimitives.ReadInt64LittleEndian(record[32..]),
        BinaryPrimitives.ReadInt64LittleEndian(record[40..]),
        new Money(BinaryPrimitives.ReadInt64LittleEndian(record[48..])).ToDecimal(),
        new DateTime(BinaryPrimitives.ReadInt64LittleEndian(record), DateTimeKind.Utc),
        record[56] == 1);
}
