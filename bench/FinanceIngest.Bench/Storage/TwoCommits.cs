using System.Diagnostics;
using Microsoft.Data.Sqlite;

namespace FinanceIngest.Bench.Storage;

/// <summary>Commits a row to one SQLite file and then a row to another, which is the least cost of a durable queue and a durable result.</summary>
internal sealed class TwoCommits(BenchFolder folder) : IDisposable
{
    private readonly SqliteCommand _first = Open(folder.NewFile("first.db"));
    private readonly SqliteCommand _second = Open(folder.NewFile("second.db"));

    /// <summary>Returns the milliseconds of each pair of commits. Pairs begin at regular times.</summary>
    public double[] Measure(int count, TimeSpan interval)
    {
        var times = new double[count];
        long begin = Stopwatch.GetTimestamp();
        for (int i = 0; i < count; i++)
        {
            TimeSpan due = (i * interval) - Stopwatch.GetElapsedTime(begin);
            if (due > TimeSpan.Zero)
            {
                Thread.Sleep(due);
            }

            long start = Stopwatch.GetTimestamp();
            _first.ExecuteNonQuery();
            _second.ExecuteNonQuery();
            times[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }

        return times;
    }

    public void Dispose()
    {
        foreach (SqliteCommand command in new[] { _first, _second })
        {
            SqliteConnection connection = command.Connection!;
            command.Dispose();
            connection.Dispose();
        }
    }

    private static SqliteCommand Open(string path)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        connection.Open();
        SqliteCommand command = connection.CreateCommand();
        command.CommandText = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE rows (id INTEGER PRIMARY KEY, text TEXT NOT NULL)";
        command.ExecuteNonQuery();
        command.CommandText = "INSERT INTO rows (text) VALUES (@text)";
        command.Parameters.AddWithValue("@text", new string('x', 300));
        command.Prepare();
        return command;
    }
}
