using System.Runtime.InteropServices;
using SQLitePCL;

namespace FinanceIngest.Sqlite;

/// <summary>What SQLite's library has and its wrapper does not.</summary>
internal static class SqliteNative
{
    // https://sqlite.org/c3ref/c_fcntl_begin_atomic_write.html#sqlitefcntlhasmoved
    private const int HasMovedOperation = 20;
    private const IntPtr MainDatabase = 0;

    /// <summary>
    /// Whether the file was renamed, deleted or replaced since it was opened, which SQLite tells from its inode; false where the system allows no such
    /// thing with an open file (Windows).
    /// </summary>
    public static bool HasMoved(sqlite3 database)
    {
        bool isHeld = false;
        try
        {
            database.DangerousAddRef(ref isHeld);
            return FileControl(database.DangerousGetHandle(), MainDatabase, HasMovedOperation, out int hasMoved) == raw.SQLITE_OK && hasMoved != 0;
        }
        finally
        {
            if (isHeld)
            {
                database.DangerousRelease();
            }
        }
    }

    // Nothing here needs marshalling, and the project has no unsafe code, which a generated stub would be.
#pragma warning disable SYSLIB1054
    [DllImport("e_sqlite3", EntryPoint = "sqlite3_file_control", ExactSpelling = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories)]
    private static extern int FileControl(IntPtr database, IntPtr name, int operation, out int value);
#pragma warning restore SYSLIB1054
}
