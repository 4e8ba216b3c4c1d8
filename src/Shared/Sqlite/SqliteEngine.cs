using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace FinanceIngest.Sqlite;

/// <summary>Sets up SQLite's library for the whole process, before its first use.</summary>
internal static class SqliteEngine
{
    // https://sqlite.org/c3ref/c_config_covering_index_scan.html
    private const int MultiThread = 2;
    private const int MemoryStatus = 9;

    /// <summary>
    /// Whether connections are without locks of their own, because no connection is ever used by two threads at once. False: somebody had used the library
    /// before, so that it stays as it is by default, which is as safe and somewhat slower.
    /// </summary>
    public static bool IsMultiThread { get; } = SetUp();

    // A connection's lock is taken some forty times for each row that is written. Counts of the library's memory, for which it has one lock for all
    // connections, are read by nobody.
    private static bool SetUp()
    {
        // Microsoft.Data.Sqlite loads the library, and does not use it yet.
        System.Runtime.CompilerServices.RuntimeHelpers.RunClassConstructor(typeof(SqliteConnection).TypeHandle);
        _ = raw.sqlite3_config(MemoryStatus, 0);
        return raw.sqlite3_config(MultiThread) == raw.SQLITE_OK;
    }
}
