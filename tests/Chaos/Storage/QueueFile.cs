using System.Globalization;
using System.Text;
using Microsoft.Data.Sqlite;

namespace FinanceIngest.Chaos.Storage;

/// <summary>A file of the embedded queue, accessed by the harness's own SQL.</summary>
internal sealed class QueueFile(string path) : IQueueView
{
    private static readonly string s_marker = Convert.ToBase64String(Encoding.UTF8.GetBytes("""{"v":1,"marker":"unsent-alerts","transactions":[]}"""));

    public Task<long> LengthAsync(CancellationToken cancellationToken) => Task.FromResult((long)Scalar("SELECT count(*) FROM messages")!);

    public bool TellsMarkers => true;

    public Task<long> HiddenAsync(CancellationToken cancellationToken) => Task.FromResult((long)Scalar(string.Create(
        CultureInfo.InvariantCulture,
        $"SELECT count(*) FROM messages m JOIN texts t ON t.seq = m.seq WHERE m.visible_at > {DateTime.UtcNow.Ticks} AND t.text <> '{s_marker}'"))!);

    public Task SendAsync(string text, CancellationToken cancellationToken)
    {
        using SqliteConnection connection = Open();
        using SqliteTransaction transaction = connection.BeginTransaction();
        using SqliteCommand message = Command(
            connection,
            "INSERT INTO messages (id, inserted_at, visible_at, pop_receipt, transactions) VALUES (@id, @now, @now, 1, 1); "
                + "INSERT INTO texts (seq, text) VALUES (last_insert_rowid(), @text)");
        message.Parameters.AddWithValue("@id", Guid.NewGuid().ToByteArray());
        message.Parameters.AddWithValue("@now", DateTime.UtcNow.Ticks);
        message.Parameters.AddWithValue("@text", text);
        message.ExecuteNonQuery();
        transaction.Commit();
        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<string>> TakeAllAsync(CancellationToken cancellationToken)
    {
        using SqliteConnection connection = Open();
        using SqliteTransaction transaction = connection.BeginTransaction();
        using SqliteCommand read = Command(connection, "SELECT m.seq, t.text FROM messages m JOIN texts t ON t.seq = m.seq");
        var texts = new List<string>();
        var taken = new List<long>();
        using (SqliteDataReader rows = read.ExecuteReader())
        {
            while (rows.Read())
            {
                taken.Add(rows.GetInt64(0));
                texts.Add(rows.GetString(1));
            }
        }

        foreach (string table in new[] { "messages", "texts" })
        {
            using SqliteCommand delete = Command(connection, $"DELETE FROM {table} WHERE seq = @seq");
            SqliteParameter seq = delete.Parameters.AddWithValue("@seq", 0L);
            foreach (long message in taken)
            {
                seq.Value = message;
                delete.ExecuteNonQuery();
            }
        }

        transaction.Commit();
        return Task.FromResult<IReadOnlyList<string>>(texts);
    }

    public async Task EndLeasesAsync(CancellationToken cancellationToken)
    {
        await using SqliteConnection connection = Open();
        await using SqliteCommand update = Command(connection, "UPDATE messages SET visible_at = 0");
        await update.ExecuteNonQueryAsync(cancellationToken);
    }

    public Task<string> ProblemAsync(CancellationToken cancellationToken)
    {
        string integrity = (string)Scalar("PRAGMA integrity_check")!;
        long strays = (long)Scalar(
            """
            SELECT (SELECT count(*) FROM texts WHERE seq NOT IN (SELECT seq FROM messages))
                + (SELECT count(*) FROM messages WHERE seq NOT IN (SELECT seq FROM texts))
            """)!;
        return Task.FromResult((integrity == "ok" ? "" : integrity) + (strays == 0 ? "" : $"{strays} texts or messages without the other"));
    }

    private object? Scalar(string sql)
    {
        using SqliteConnection connection = Open();
        using SqliteCommand command = Command(connection, sql);
        return command.ExecuteScalar();
    }

    private SqliteConnection Open()
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, DefaultTimeout = 20 }.ToString());
        connection.Open();
        return connection;
    }

    private static SqliteCommand Command(SqliteConnection connection, string sql)
    {
        SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        return command;
    }
}
