using Microsoft.Data.Sqlite;

namespace FinanceIngest.Chaos.Faults;

/// <summary>Holds the write lock of a SQLite file, as another process might: writes to the file fail, and reads succeed.</summary>
internal sealed class FileLock : IAsyncDisposable
{
    private readonly SqliteConnection _connection;

    private FileLock(SqliteConnection connection) => _connection = connection;

    public static async Task<FileLock> TakeAsync(string path)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, DefaultTimeout = 60 }.ToString());
        await connection.OpenAsync();
        await using SqliteCommand begin = connection.CreateCommand();
        begin.CommandText = "BEGIN IMMEDIATE";
        await begin.ExecuteNonQueryAsync();
        return new FileLock(connection);
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();
}
