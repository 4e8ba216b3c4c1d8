using System.Text;
using FinanceIngest.Transactions;
using SQLitePCL;

namespace FinanceIngest.Sqlite;

/// <summary>
/// The row at which a statement stands, its columns counted from 0. It can be read until the function that was given it returns. A NULL is read by
/// the members whose names end in <c>OrNull</c>; the others refuse it with an <see cref="InvalidOperationException"/>.
/// </summary>
internal readonly ref struct SqliteRow
{
    private const int UuidLength = 16;

    private readonly sqlite3_stmt _statement;
    private readonly IntPtr _address;

    internal SqliteRow(sqlite3_stmt statement, IntPtr address)
    {
        _statement = statement;
        _address = address;
    }

    /// <summary>Whether the column is NULL.</summary>
    public bool IsNull(int column) => SqliteStatementNative.ColumnType(_address, column) == raw.SQLITE_NULL;

    /// <summary>An integer.</summary>
    public long GetInt64(int column)
    {
        // SQLite reads a NULL as 0.
        long value = SqliteStatementNative.ColumnInteger(_address, column);
        return value != 0 || !IsNull(column) ? value : throw Null(column);
    }

    /// <summary>An integer of 32 bits.</summary>
    /// <exception cref="OverflowException">It has more.</exception>
    public int GetInt32(int column) => checked((int)GetInt64(column));

    /// <summary>A double.</summary>
    public double GetDouble(int column)
    {
        double value = SqliteStatementNative.ColumnReal(_address, column);
        return value != 0 || !IsNull(column) ? value : throw Null(column);
    }

    /// <summary>A text.</summary>
    public string GetString(int column) => Encoding.UTF8.GetString(Utf8(column));

    /// <summary>An id that was bound as a <see cref="Guid"/>.</summary>
    /// <exception cref="FormatException">The column holds none.</exception>
    public Guid GetGuid(int column)
    {
        ReadOnlySpan<byte> bytes = Utf8(column);
        return bytes.Length == UuidLength && SqliteStatementNative.ColumnType(_address, column) == raw.SQLITE_BLOB
            ? new Guid(bytes, bigEndian: true)
            : throw new FormatException(FormattableString.Invariant($"Column {column} holds no id of 16 bytes."));
    }

    /// <summary>An instant that was bound as a <see cref="DateTime"/>, in UTC.</summary>
    /// <exception cref="FormatException">The column holds none.</exception>
    public DateTime GetTime(int column) => Timestamp.FromText(GetString(column));

    /// <summary>An integer, or null.</summary>
    public long? GetInt64OrNull(int column) => IsNull(column) ? null : SqliteStatementNative.ColumnInteger(_address, column);

    /// <summary>A double, or null.</summary>
    public double? GetDoubleOrNull(int column) => IsNull(column) ? null : SqliteStatementNative.ColumnReal(_address, column);

    /// <summary>A text, or null.</summary>
    public string? GetStringOrNull(int column) => IsNull(column) ? null : GetString(column);

    /// <summary>An instant, or null.</summary>
    public DateTime? GetTimeOrNull(int column) => IsNull(column) ? null : GetTime(column);

    /// <summary>The bytes of a blob; null for a column that holds anything else.</summary>
    public byte[]? GetBlobOrNull(int column) =>
        SqliteStatementNative.ColumnType(_address, column) == raw.SQLITE_BLOB ? raw.sqlite3_column_blob(_statement, column).ToArray() : null;

    // SQLite gives the bytes of a text by the function for blobs too, in the encoding of the database, UTF-8, and with their length.
    private ReadOnlySpan<byte> Utf8(int column)
    {
        ReadOnlySpan<byte> bytes = raw.sqlite3_column_blob(_statement, column);
        return bytes.Length > 0 || !IsNull(column) ? bytes : throw Null(column);
    }

    private static InvalidOperationException Null(int column) => new(FormattableString.Invariant($"Column {column} is NULL."));
}
