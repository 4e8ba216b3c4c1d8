using System.Diagnostics;
using Microsoft.Data.Sqlite;

namespace FinanceIngest.Bench.Storage;

/// <summary>
/// Copies rows of a database to another one with the same tables and indexes, by one prepared insert and a number of rows per transaction. It measures the
/// cost of writing alone: values are converted and bound in advance as far as SQLite's provider allows.
/// </summary>
internal sealed class RawRows
{
    private const string Columns =
        "transaction_id, user_id, category_id, amount, z_score, is_anomaly, status, reason, mean, std_dev, sample_count, occurred_at, accepted_at, "
            + "created_at, error";

    private readonly List<object[]> _rows = [];

    /// <summary>Reads the last rows of a database into memory.</summary>
    public static RawRows ReadLast(string databasePath, int count)
    {
        using SqliteConnection connection = Open(databasePath);
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = $"SELECT {Columns} FROM anomaly_transactions WHERE id > (SELECT max(id) FROM anomaly_transactions) - @count ORDER BY id";
        command.Parameters.AddWithValue("@count", count);
        var rows = new RawRows();
        using SqliteDataReader reader = command.ExecuteReader();
        while (reader.Read())
        {
            object[] values = new object[reader.FieldCount];
            reader.GetValues(values);
            rows._rows.Add(values);
        }

        return rows;
    }

    /// <summary>Inserts the rows and returns the duration.</summary>
    public TimeSpan Insert(string databasePath, int perTransaction)
    {
        using SqliteConnection connection = Open(databasePath);
        using SqliteCommand insert = connection.CreateCommand();
        string[] names = [.. Columns.Split(", ").Select(column => $"@{column}")];
        insert.CommandText = $"INSERT INTO anomaly_transactions ({Columns}) VALUES ({string.Join(", ", names)})";
        SqliteParameter[] parameters = [.. names.Select(name => insert.Parameters.AddWithValue(name, DBNull.Value))];
        insert.Prepare();

        long start = Stopwatch.GetTimestamp();
        foreach (object[][] some in _rows.Chunk(perTransaction))
        {
            using SqliteTransaction transaction = connection.BeginTransaction(deferred: false);
            insert.Transaction = transaction;
            foreach (object[] row in some)
            {
                for (int i = 0; i < parameters.Length; i++)
                {
                    parameters[i].Value = row[i];
                }

                insert.ExecuteNonQuery();
            }

            transaction.Commit();
        }

        return Stopwatch.GetElapsedTime(start);
    }

    private static SqliteConnection Open(string path)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL";
        command.ExecuteNonQuery();
        return connection;
    }
}
