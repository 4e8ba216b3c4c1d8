using System.Buffers;

namespace FinanceIngest.Cli.Submitting;

/// <summary>The rows of one request, each with its line in the file.</summary>
internal sealed class SubmitBatch
{
    private readonly List<(long Line, ReadOnlyMemory<byte> Json)> _items = [];

    /// <summary>The number of rows.</summary>
    public int Count => _items.Count;

    /// <summary>The length of the body in bytes.</summary>
    public int Length { get; private set; }

    /// <summary>The line of the first row.</summary>
    public long FirstLine => _items[0].Line;

    /// <summary>Returns the line of a row.</summary>
    public long LineOf(int index) => _items[index].Line;

    /// <summary>Adds a row.</summary>
    /// <param name="line">The row's line in the file.</param>
    /// <param name="json">The row as one line of JSON.</param>
    public void Add(long line, ReadOnlyMemory<byte> json)
    {
        _items.Add((line, json));
        Length += json.Length + 1;
    }

    /// <summary>Returns the body as NDJSON.</summary>
    public byte[] ToBody()
    {
        var body = new ArrayBufferWriter<byte>(Math.Max(1, Length));
        foreach ((_, ReadOnlyMemory<byte> json) in _items)
        {
            body.Write(json.Span);
            body.Write("\n"u8);
        }

        return body.WrittenSpan.ToArray();
    }

    /// <summary>Returns a batch of some of these rows.</summary>
    public SubmitBatch Only(IEnumerable<int> indexes)
    {
        var some = new SubmitBatch();
        foreach (int index in indexes)
        {
            some.Add(_items[index].Line, _items[index].Json);
        }

        return some;
    }
}
