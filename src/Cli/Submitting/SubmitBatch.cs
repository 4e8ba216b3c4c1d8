using System.Buffers;

namespace FinanceIngest.Cli.Submitting;

/// <summary>Rows that are sent in one request, each with the line it came from.</summary>
internal sealed class SubmitBatch
{
    private readonly List<(long Line, ReadOnlyMemory<byte> Json)> _items = [];

    /// <summary>Rows.</summary>
    public int Count => _items.Count;

    /// <summary>Bytes of the body.</summary>
    public int Length { get; private set; }

    /// <summary>The first row's line.</summary>
    public long FirstLine => _items[0].Line;

    /// <summary>Line of a row.</summary>
    public long LineOf(int index) => _items[index].Line;

    /// <summary>Adds a row.</summary>
    /// <param name="line">Where it came from.</param>
    /// <param name="json">One line of JSON.</param>
    public void Add(long line, ReadOnlyMemory<byte> json)
    {
        _items.Add((line, json));
        Length += json.Length + 1;
    }

    /// <summary>The body as NDJSON.</summary>
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

    /// <summary>A batch of some of these rows.</summary>
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
