using System.Diagnostics;
using System.Globalization;
using System.Text;
using Microsoft.Data.Sqlite;

namespace FinanceIngest.Chaos.Hooks;

/// <summary>
/// What the harness wants of this process, from a file that it may rewrite (by renaming a new one over it) while the process runs; lines of <c>name=value</c>:
/// <c>kill=POINT</c>, <c>clock=SECONDS</c>, <c>write-delay=MILLISECONDS</c>, <c>deadly=USER</c>.
/// </summary>
internal sealed class Control
{
    /// <summary>Names the file.</summary>
    public const string Variable = "CHAOS_CONTROL";

    private static readonly Control? s_instance =
        Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } path ? new Control(path) : null;

    private readonly string _path;
    private readonly Lock _gate = new();
    private readonly HashSet<string> _deadlyMessages = [];
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

    /// <summary>Whether reading this text ends the process, as the harness has it.</summary>
    public bool IsDeadly(string messageId, string text)
    {
        if (Value("deadly") is not { } user || !TryDecode(text).Contains($"\"user_id\":{user},", StringComparison.Ordinal))
        {
            return false;
        }

        lock (_gate)
        {
            _deadlyMessages.Add(messageId);
        }

        return true;
    }

    /// <summary>The same of a message that was received before.</summary>
    public bool IsDeadly(string messageId)
    {
        lock (_gate)
        {
            return _deadlyMessages.Contains(messageId);
        }
    }

    /// <summary>Ends the process with SIGKILL, and says where in a file beside the control file.</summary>
    public void Die(string point)
    {
        File.AppendAllText(_path + ".hits", point + "\n");
        Process.GetCurrentProcess().Kill();
        Thread.Sleep(Timeout.Infinite);
    }

    /// <summary>Ends the process where a write transaction of the embedded database must be open, and says so when it is not.</summary>
    public void DieInsideTransaction(string point) => Die(IsDatabaseLocked() ? point : point + " (no transaction was open)");

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
