using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace FinanceIngest.Poison;

/// <summary>
/// A text's SHA-256, by which the copies of a message are found without holding the texts of all messages: whoever writes messages can't make two texts of
/// one digest.
/// </summary>
internal readonly record struct TextDigest(UInt128 High, UInt128 Low)
{
    /// <summary>The digest of a text.</summary>
    public static TextDigest Of(string text)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(MemoryMarshal.AsBytes(text.AsSpan()), hash);
        return new TextDigest(BinaryPrimitives.ReadUInt128BigEndian(hash), BinaryPrimitives.ReadUInt128BigEndian(hash[16..]));
    }
}
