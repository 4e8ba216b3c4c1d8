using System.Runtime.InteropServices;

namespace FinanceIngest.Sqlite;

/// <summary>
/// The functions of SQLite's library that are called for each value of each row (https://sqlite.org/c3ref/funclist.html), by the bare address of the statement.
/// SQLitePCLRaw counts a reference to the statement at each call, which took a tenth of the time of a write; <see cref="SqliteStatement"/> holds one all along.
/// </summary>
internal static class SqliteStatementNative
{
    private const string Library = "e_sqlite3";

    // SQLITE_TRANSIENT: SQLite copies the bytes before the call returns.
    private const IntPtr Copied = -1;

    // A call that takes longer than a microsecond must let the garbage collector in.
    private const int Short = 1024;

    // What an empty text or blob points to: SQLite takes the address of no bytes for NULL.
    private static readonly byte[] s_nothing = [0];

    /// <summary>Binds a text by its length, so that it may hold U+0000; SQLite copies it.</summary>
    /// <returns>SQLite's result code.</returns>
    public static int BindText(IntPtr statement, int parameter, ReadOnlySpan<byte> utf8)
    {
        ref readonly byte first = ref FirstOf(utf8);
        return utf8.Length <= Short
            ? BindShortText(statement, parameter, in first, utf8.Length, Copied)
            : BindLongText(statement, parameter, in first, utf8.Length, Copied);
    }

    /// <summary>Binds a blob; SQLite copies it.</summary>
    /// <returns>SQLite's result code.</returns>
    public static int BindBlob(IntPtr statement, int parameter, ReadOnlySpan<byte> bytes)
    {
        ref readonly byte first = ref FirstOf(bytes);
        return bytes.Length <= Short
            ? BindShortBlob(statement, parameter, in first, bytes.Length, Copied)
            : BindLongBlob(statement, parameter, in first, bytes.Length, Copied);
    }

    private static ref readonly byte FirstOf(ReadOnlySpan<byte> bytes) =>
        ref bytes.IsEmpty ? ref s_nothing[0] : ref MemoryMarshal.GetReference(bytes);

    // Nothing here needs marshalling, and the project has no unsafe code, which a generated stub would be. Functions that only set or read a value leave the
    // thread in the state in which the garbage collector waits for it; those that may read, write or wait do not.
#pragma warning disable SYSLIB1054
    [DllImport(Library, EntryPoint = "sqlite3_bind_int64", ExactSpelling = true), SuppressGCTransition]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories)]
    public static extern int BindInteger(IntPtr statement, int parameter, long value);

    [DllImport(Library, EntryPoint = "sqlite3_bind_double", ExactSpelling = true), SuppressGCTransition]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories)]
    public static extern int BindReal(IntPtr statement, int parameter, double value);

    [DllImport(Library, EntryPoint = "sqlite3_bind_null", ExactSpelling = true), SuppressGCTransition]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories)]
    public static extern int BindNull(IntPtr statement, int parameter);

    [DllImport(Library, EntryPoint = "sqlite3_bind_text", ExactSpelling = true), SuppressGCTransition]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories)]
    private static extern int BindShortText(IntPtr statement, int parameter, ref readonly byte utf8, int length, IntPtr destructor);

    [DllImport(Library, EntryPoint = "sqlite3_bind_text", ExactSpelling = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories)]
    private static extern int BindLongText(IntPtr statement, int parameter, ref readonly byte utf8, int length, IntPtr destructor);

    [DllImport(Library, EntryPoint = "sqlite3_bind_blob", ExactSpelling = true), SuppressGCTransition]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories)]
    private static extern int BindShortBlob(IntPtr statement, int parameter, ref readonly byte bytes, int length, IntPtr destructor);

    [DllImport(Library, EntryPoint = "sqlite3_bind_blob", ExactSpelling = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories)]
    private static extern int BindLongBlob(IntPtr statement, int parameter, ref readonly byte bytes, int length, IntPtr destructor);

    [DllImport(Library, EntryPoint = "sqlite3_step", ExactSpelling = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories)]
    public static extern int Step(IntPtr statement);

    [DllImport(Library, EntryPoint = "sqlite3_reset", ExactSpelling = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories)]
    public static extern int Reset(IntPtr statement);

    [DllImport(Library, EntryPoint = "sqlite3_column_type", ExactSpelling = true), SuppressGCTransition]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories)]
    public static extern int ColumnType(IntPtr statement, int column);

    [DllImport(Library, EntryPoint = "sqlite3_column_int64", ExactSpelling = true), SuppressGCTransition]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories)]
    public static extern long ColumnInteger(IntPtr statement, int column);

    [DllImport(Library, EntryPoint = "sqlite3_column_double", ExactSpelling = true), SuppressGCTransition]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories)]
    public static extern double ColumnReal(IntPtr statement, int column);
#pragma warning restore SYSLIB1054
}
