namespace FinanceIngest.Cli.Submitting;

/// <summary>
/// Counts how often each row of a file has occurred, in about seven bytes per row: it keeps 48 bits of a row's hash instead of the row.
/// </summary>
/// <remarks>
/// Two different rows with the same 48 bits share a count. That is harmless, because a count only has to distinguish identical rows, and the same file has the
/// same counts every time.
/// </remarks>
internal sealed class OccurrenceCounter
{
    private const int Segments = 1 << 16;
    private const int FirstSize = 8;

    // For each value of the first 16 bits, an open-addressing hash table of the other 32 bits, in which 0 marks an empty slot.
    private readonly uint[]?[] _seen = new uint[]?[Segments];
    private readonly int[] _counts = new int[Segments];
    private readonly Dictionary<ulong, int> _repeats = [];

    /// <summary>Returns the occurrence of a row: 1 for the first, 2 for its first repeat, and so on.</summary>
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

    /// <summary>Returns the slot of the value, or the empty slot to which it belongs.</summary>
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
