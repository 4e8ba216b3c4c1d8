using FinanceIngest.Configuration;
using SQLitePCL;

namespace FinanceIngest.Sqlite;

/// <summary>The SQLite library that this process has loaded: the one beside the program, unless the system's loader was told otherwise.</summary>
internal static class SqliteLibrary
{
    /// <summary>
    /// The lowest version that keeps every commit: in earlier ones a commit at the moment of a checkpoint by another connection can be lost
    /// (https://sqlite.org/wal.html#walresetbug). Written as SQLite writes it, 3.51.3 as 3051003.
    /// </summary>
    internal const int Lowest = 3_051_003;

    /// <summary>Throws unless the library keeps every commit.</summary>
    /// <exception cref="SettingsException">It is too old.</exception>
    public static void Require()
    {
        Batteries_V2.Init();
        if (Refusal(raw.sqlite3_libversion_number()) is { } problem)
        {
            throw new SettingsException("SQLite", problem);
        }
    }

    /// <summary>Says why a version of the library must not be used; null when it may be.</summary>
    /// <param name="version">As SQLite writes it, 3.51.3 as 3051003.</param>
    internal static string? Refusal(int version) => version >= Lowest
        ? null
        : $"the library has version {Text(version)}, and versions before {Text(Lowest)} can lose a commit while another connection copies the log into "
            + "the file; start the program with the library that comes with it.";

    private static string Text(int version) => FormattableString.Invariant($"{version / 1_000_000}.{version / 1000 % 1000}.{version % 1000}");
}
