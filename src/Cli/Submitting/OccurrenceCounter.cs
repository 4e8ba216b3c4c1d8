namespace FinanceIngest.Cli.Submitting;

/// <summary>
/// Counts how often each row of a file has come, in about seven bytes a row: it keeps 48 bits of each row's hash, not the row.
/// </summary>
/// <remarks>
/// Two different rows with the same 48 bits share a count. That is harmless: counts only tell identical rows apart, and the same file
/// gives the same counts every time.
/// </remarks>
internal sealed class OccurrenceCounter
{
    private const int Segments = 1 << 16;
    private const int FirstSize = 8;

    // By the first 16 bits, an open-addressing table of the other 32; 0 is an empty place.
    private readonly uint[]?[] _seen = new uint[]?[Segments];
    private readonly int[] _counts = new int[Segments];
    private readonly Dictionary<ulong, int> _repeats = [];

    /// <summary>1 for a row that has not come before, 2 for its first repeat …</summary>
    /// <param name="hash">A hash of the row, at least six bytes.</param>
    public int Next(ReadOnlySpan<byte> hash)
    {
        int segment = (hash[0] << 8) | hash[1];
        uint rest = Math.Max(1, System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(hash[2..]));
        if (TryAdd(segment, rest))
        {
            return 1;
        }

        ulong key = ((ulong)segment << 32) | rest;
        return _repeats[key] = _repeats.GetValueOrDefault(key, 1) + 1;
    }

    private bool TryAdd(int segment, uint value)
    {
        uint[] table = _seen[segment] ??= new uint[FirstSize];
        if (_counts[segment] >= table.Length * 3 / 4)
        {
            table = _seen[segment] = Grow(table);
        }

        ref uint place = ref Find(table, value);
        if (place == value)
        {
            return false;
        }

        place = value;
        _counts[segment]++;
        return true;
    }

    private static uint[] Grow(uint[] table)
    {
        uint[] larger = new uint[table.Length * 2];
        foreach (uint value in table)
        {
            if (value != 0)
            {
                Find(larger, value) = value;
            }
        }

        return larger;
    }

    /// <summary>Where the value is, or the empty place where it belongs.</summary>
    private static ref uint Find(uint[] table, uint value)
    {
        int mask = table.Length - 1;
        int at = (int)(value & (uint)mask);
        while (table[at] != 0 && table[at] != value)
        {
            at = (at + 1) & mask;
        }

        return ref table[at];
    }
}
