using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace FinanceIngest.Cli.Submitting;

/// <summary>
/// Finds rows that have the user and the idempotency key of an earlier row. It remembers the keys of the first two million rows that have any.
/// </summary>
internal sealed class KeyRepeats
{
    /// <summary>The number of keys that are remembered.</summary>
    public const int MaximumKeys = 2_000_000;

    // 64 bits of a hash stand for user and key.
    private readonly Dictionary<ulong, long> _lines = [];

    /// <summary>Returns the line of the first row with this user and key; null when there was none, or it is not remembered.</summary>
    public long? Meet(string user, string key, long line)
    {
        ulong hash = BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes($"{user}\0{key}")));
        if (_lines.TryGetValue(hash, out long first))
        {
            return first;
        }

        if (_lines.Count < MaximumKeys)
        {
            _lines.Add(hash, line);
        }

        return null;
    }
}
