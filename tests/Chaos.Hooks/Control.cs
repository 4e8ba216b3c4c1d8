using System.Diagnostics;
using System.Globalization;
using System.Text;
using FinanceIngest.Scoring.Isolation;
using Microsoft.Data.Sqlite;

namespace FinanceIngest.Chaos.Hooks;

/// <summary>
/// What the harness wants of this process, from a file that it may rewrite (by renaming a new one over it) while the process runs; lines of <c>name=value</c>:
/// <c>kill=POINT</c>, <c>clock=SECONDS</c>, <c>write-delay=MILLISECONDS</c>, <c>deadly=USER</c>, <c>deadly-write=USER</c>.
/// </summary>
internal sealed class Control
{
    /// <summary>Names the file.</summary>
    public const string Variable = "CHAOS_CONTROL";

    private static readonly Control? s_instance =
        Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } path ? new Control(path) : null;

    private readonly string _path;
    private readonly Lock _gate = new();
    private DateTime _readAt;
    private Dictionary<string, string> _values = [];

    private Control(string path) => _path = path;

    /// <summary>Null in a process that is to be left alone.</summary>
    public static Control? FromEnvironment() => s_instance;

    /// <summary>How far this process's clock is ahead.</summary>
    public TimeSpan ClockOffset => TimeSpan.FromSeconds(Number("clock"));

    /// <summary>How much longer a write takes.</summary>
    public TimeSpan WriteDelay => TimeSpan.FromMilliseconds(Number("write-delay"));

    /// <summary>Whether the process is to end at this point.</summary>
    public bool IsArmed(string point) => Value("kill") == point;

    /// <summary>A point in the order of effects: ends the process if the harness wants it to end here.</summary>
    public void Reach(string point)
    {
        if (IsArmed(point))
        {
            Die(point);
        }
    }

    /// <summary>Whether reading this text ends the process that reads it, as the harness has it.</summary>
    public bool IsDeadly(string text) => Value("deadly") is { } user && TryDecode(text).Contains($"\"user_id\":{user},", StringComparison.Ordinal);

    /// <summary>Whether there is a user whose results are deadly to write.</summary>
    public bool HasDeadlyWrites => Value("deadly-write") is not null;

    /// <summary>Whether writing results of this user ends the process that writes them, half-way through the transaction.</summary>
    public bool IsDeadlyToWrite(long? userId) => userId is { } user && Value("deadly-write") == user.ToString(CultureInfo.InvariantCulture);

    /// <summary>Ends the worker with SIGKILL, and says where in a file beside the control file. A child takes its parent along, as the kill of a pod does.</summary>
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

    /// <summary>Ends nothing but the process that handles a deadly message.</summary>
    public void DieAlone(string point)
    {
        Tell(point + (IsChild ? " (child)" : ""));
        End();
    }

    private static bool IsChild { get; } = Environment.GetCommandLineArgs().Contains(ScoringChild.Argument);

    private static int ParentId()
    {
        // The name of the program, in brackets, may hold anything.
        string stat = File.ReadAllText("/proc/self/stat");
        return int.Parse(stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }

    private static void End()
    {
        Process.GetCurrentProcess().Kill();
        Thread.Sleep(Timeout.Infinite);
    }

    private void Tell(string point) => File.AppendAllText(_path + ".hits", point + "\n");

    /// <summary>Ends the process where a write transaction of the embedded database must be open, and says so when it is not.</summary>
    /// <param name="point">Where.</param>
    /// <param name="isDeadly">Whether it is the message that ends it, and not somebody who kills the worker.</param>
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
            // SQL Server: the writer's session can't be told from outside.
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
                _values = File.ReadLines(_path).Select(line => line.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1], StringComparer.Ordinal);
                _readAt = writtenAt;
            }

            return _values.GetValueOrDefault(name);
        }
    }
}
