using System.Diagnostics;
using System.Globalization;
using System.Text;
using FinanceIngest.Scoring.Isolation;
using Microsoft.Data.Sqlite;

namespace FinanceIngest.Chaos.Hooks;

/// <summary>
/// Reads what the harness wants this process to do from a control file, which the harness may replace while the process runs. Its lines are
/// <c>name=value</c>: <c>kill=POINT</c>, <c>clock=SECONDS</c>, <c>write-delay=MILLISECONDS</c>, <c>deadly=USER</c>, <c>deadly-write=USER</c>.
/// </summary>
internal sealed class Control
{
    /// <summary>The environment variable with the path of the control file.</summary>
    public const string Variable = "CHAOS_CONTROL";

    private static readonly Control? s_instance =
        Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } path ? new Control(path) : null;

    private readonly string _path;
    private readonly Lock _gate = new();
    private DateTime _readAt;
    private Dictionary<string, string> _values = [];

    private Control(string path) => _path = path;

    /// <summary>Returns the control of this process; null when the harness did not start it.</summary>
    public static Control? FromEnvironment() => s_instance;

    /// <summary>The error of this process's clock; positive when it is ahead.</summary>
    public TimeSpan ClockOffset => TimeSpan.FromSeconds(Number("clock"));

    /// <summary>The time by which each write to the database is delayed.</summary>
    public TimeSpan WriteDelay => TimeSpan.FromMilliseconds(Number("write-delay"));

    /// <summary>Whether the harness wants the process to end at this point.</summary>
    public bool IsArmed(string point) => Value("kill") == point;

    /// <summary>Marks a point in the order of effects, and ends the process if the harness wants it to end there.</summary>
    public void Reach(string point)
    {
        if (IsArmed(point))
        {
            Die(point);
        }
    }

    /// <summary>Whether the harness wants each process to end that reads this text.</summary>
    public bool IsDeadly(string text) =>
        Value("deadly") is { } user && TryDecode(text).Contains($"\"user_id\":{user},", StringComparison.Ordinal);

    /// <summary>Whether the harness wants processes to end while they write the results of some user.</summary>
    public bool HasDeadlyWrites => Value("deadly-write") is not null;

    /// <summary>Whether the harness wants a process to end, half-way through its database transaction, when it writes results of this user.</summary>
    public bool IsDeadlyToWrite(long? userId) => userId is { } user && Value("deadly-write") == user.ToString(CultureInfo.InvariantCulture);

    /// <summary>
    /// Ends the worker with SIGKILL, and appends the point to a file beside the control file. A child process ends its parent too, as the kill of a pod does.
    /// </summary>
    public void Die(string point)
    {
        Tell(point + (IsChild ? " (child)" : ""));
        if (IsChild)
        {
            using var parent = Process.GetProcessById(ParentId());
            parent.Kill();
        }

        End();
    }

    /// <summary>Ends only this process, which handles a deadly message; its parent goes on.</summary>
    public void DieAlone(string point)
    {
        Tell(point + (IsChild ? " (child)" : ""));
        End();
    }

    private static bool IsChild { get; } = Environment.GetCommandLineArgs().Contains(ScoringChild.Argument);

    private static int ParentId()
    {
        // The second field, the program's name in brackets, may contain blanks and brackets.
        string stat = File.ReadAllText("/proc/self/stat");
        return int.Parse(stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }

    private static void End()
    {
        Process.GetCurrentProcess().Kill();
        Thread.Sleep(Timeout.Infinite);
    }

    private void Tell(string point) => File.AppendAllText(_path + ".hits", point + "\n");

    /// <summary>Ends the process inside a write transaction of the embedded database, and records it when no transaction was open.</summary>
    /// <param name="point">The point at which the process ends.</param>
    /// <param name="isDeadly">Whether a deadly message ends the process, rather than a kill of the worker.</param>
    public void DieInsideTransaction(string point, bool isDeadly)
    {
        string where = IsDatabaseLocked() ? point : point + " (no transaction was open)";
        if (isDeadly)
        {
            DieAlone("write of a deadly message, " + where);
        }
        else
        {
            Die(where);
        }
    }

    private static bool IsDatabaseLocked()
    {
        string path = Path.Combine(Environment.GetEnvironmentVariable("FinanceIngest__DataDirectory") ?? "data", "finance-ingest.db");
        if (!File.Exists(path))
        {
            // The database is on SQL Server, where the writer's session can't be recognised from outside.
            return true;
        }

        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, DefaultTimeout = 1 }.ToString());
        connection.Open();
        using SqliteCommand begin = connection.CreateCommand();
        begin.CommandText = "BEGIN IMMEDIATE";
        try
        {
            begin.ExecuteNonQuery();
            return false;
        }
        catch (SqliteException e) when (e.SqliteErrorCode == 5)
        {
            return true;
        }
    }

    private static string TryDecode(string text)
    {
        byte[] json = new byte[text.Length];
        return Convert.TryFromBase64String(text, json, out int length) ? Encoding.UTF8.GetString(json, 0, length) : text;
    }

    private double Number(string name) => Value(name) is { } value ? double.Parse(value, CultureInfo.InvariantCulture) : 0;

    private string? Value(string name)
    {
        lock (_gate)
        {
            DateTime writtenAt = File.GetLastWriteTimeUtc(_path);
            if (writtenAt != _readAt)
            {
                _values = File.ReadLines(_path)
                    .Select(line => line.Split('=', 2))
                    .ToDictionary(pair => pair[0], pair => pair[1], StringComparer.Ordinal);
                _readAt = writtenAt;
            }

            return _values.GetValueOrDefault(name);
        }
    }
}
