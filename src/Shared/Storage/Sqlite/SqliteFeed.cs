namespace FinanceIngest.Storage.Sqlite;

/// <summary>The places in the feed that one write gives: row ids that follow the last one, without a gap.</summary>
/// <param name="lastId">The last row's id before the write.</param>
internal sealed class SqliteFeed(long lastId)
{
    /// <summary>Places given so far.</summary>
    public int Count { get; private set; }

    /// <summary>The id of the last row.</summary>
    public long LastId => lastId + Count;

    /// <summary>The id of the next row that is written, or that moves.</summary>
    public long NextId => LastId + 1;

    /// <summary>A row has taken <see cref="NextId"/>.</summary>
    public void Take() => Count++;
}
