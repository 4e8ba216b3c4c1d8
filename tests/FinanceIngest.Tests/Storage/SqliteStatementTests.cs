using FinanceIngest.Sqlite;
using Microsoft.Data.Sqlite;

namespace FinanceIngest.Tests.Storage;

/// <summary>Values on their way into a statement and back, which the library is called for by the statement's bare address.</summary>
public sealed class SqliteStatementTests : IDisposable
{
    private readonly SqliteSession _session;

    public SqliteStatementTests()
    {
        _ = SqliteEngine.IsMultiThread;
        var connection = new SqliteConnection("Data Source=:memory:");
        connection.Open();
        _session = new SqliteSession(connection);
    }

    // 1,024 bytes is the length up to which a text is bound without letting the garbage collector in.
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1023)]
    [InlineData(1024)]
    [InlineData(1025)]
    [InlineData(100_000)]
    public void Texts_and_blobs_of_any_length_come_back_as_they_were(int length)
    {
        string text = string.Concat(Enumerable.Range(0, length).Select(index => (char)(index % 100)));
        byte[] blob = [.. Enumerable.Range(0, length).Select(index => (byte)index)];

        Assert.Equal(text, _session.Single("SELECT ?1", row => row.GetString(0), text));
        Assert.Equal(blob, _session.Single("SELECT ?1", row => row.GetBlobOrNull(0), blob));
        Assert.Equal(
            ("text", "blob"), _session.Single("SELECT typeof(?1), typeof(?2)", row => (row.GetString(0), row.GetString(1)), text, blob));
    }

    [Theory]
    [InlineData(long.MinValue, double.Epsilon)]
    [InlineData(-1L, -0.1)]
    [InlineData(0L, 0.0)]
    [InlineData(long.MaxValue, double.MaxValue)]
    public void Numbers_come_back_to_the_last_bit(long integer, double real) => Assert.Equal(
        (integer, real), _session.Single("SELECT ?1, ?2", row => (row.GetInt64(0), row.GetDouble(1)), integer, real));

    [Fact]
    public void Nothing_is_NULL()
    {
        Assert.Equal(
            (true, true, true, true),
            _session.Single(
                "SELECT ?1, ?2, ?3, ?4", row => (row.IsNull(0), row.IsNull(1), row.IsNull(2), row.IsNull(3)),
                (long?)null, (double?)null, (string?)null, (byte[]?)null));
        Assert.Throws<InvalidOperationException>(() => _session.Single("SELECT NULL", row => row.GetInt64(0)));
    }

    [Fact]
    public void The_row_that_was_inserted_is_named()
    {
        _session.Run("CREATE TABLE rows (id INTEGER PRIMARY KEY, text TEXT)");

        Assert.Equal([1L, 2L], [_session.Insert("INSERT INTO rows (text) VALUES (?1)", "a"), _session.Insert("INSERT INTO rows (text) VALUES (?1)", "b")]);
    }

    [Fact]
    public void A_statement_that_was_disposed_of_is_refused()
    {
        var statement = new SqliteStatement(_session.Handle, "SELECT 1");
        statement.Dispose();
        statement.Dispose();

        Assert.Throws<ObjectDisposedException>(() => statement.Execute());
    }

    public void Dispose() => _session.Dispose();
}
