using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace FinanceIngest.Transactions;

/// <summary>
/// The time that an idempotency key of its maker's carries: a UUID of version 7 (RFC 9562, section 5.7; with or without hyphens) or a ULID
/// (https://github.com/ulid/spec), in letters of either case, whose time lies in 2015 … 2099.
/// </summary>
/// <remarks>
/// The form alone decides, and never the clock, so that a repeat of a key finds the same id for ever. Both forms begin with 48 bits of Unix milliseconds.
/// </remarks>
internal static class KeyTime
{
    private const int UuidLength = 36;
    private const int BareUuidLength = 32;
    private const int UlidLength = 26;

    private static readonly long s_from = new DateTimeOffset(2015, 1, 1, 0, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds();
    private static readonly long s_to = new DateTimeOffset(2100, 1, 1, 0, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds();

    /// <summary>Reads the time of a key.</summary>
    /// <param name="key">Any text.</param>
    /// <param name="milliseconds">Unix milliseconds in 2015 … 2099.</param>
    /// <returns>False: the key is not in one of the two forms, or its time lies outside those years.</returns>
    public static bool TryRead(ReadOnlySpan<char> key, out long milliseconds)
    {
        bool isInForm = key.Length switch
        {
            UuidLength => TryReadUuid(key, "D", 14, 19, out milliseconds),
            BareUuidLength => TryReadUuid(key, "N", 12, 16, out milliseconds),
            UlidLength => TryReadUlid(key, out milliseconds),
            _ => No(out milliseconds),
        };
        return isInForm && milliseconds >= s_from && milliseconds < s_to;
    }

    private static bool TryReadUuid(
        ReadOnlySpan<char> key, [StringSyntax(StringSyntaxAttribute.GuidFormat)] string form, int versionAt, int variantAt, out long milliseconds)
    {
        // Most keys of this length are UUIDs of another version, which one character tells.
        if (key[versionAt] != '7' || key[variantAt] is not ('8' or '9' or 'a' or 'b' or 'A' or 'B') || !Guid.TryParseExact(key, form, out Guid uuid))
        {
            return No(out milliseconds);
        }

        Span<byte> bytes = stackalloc byte[16];
        uuid.TryWriteBytes(bytes, bigEndian: true, out _);
        milliseconds = BinaryPrimitives.ReadInt64BigEndian(bytes) >>> 16;
        return true;
    }

    // 26 digits of Crockford's base 32, the first of which is at most 7; the first ten are the time.
    private static bool TryReadUlid(ReadOnlySpan<char> key, out long milliseconds)
    {
        milliseconds = 0;
        for (int i = 0; i < UlidLength; i++)
        {
            int digit = CrockfordDigit(key[i]);
            if (digit < 0 || (i == 0 && digit > 7))
            {
                return No(out milliseconds);
            }

            if (i < 10)
            {
                milliseconds = (milliseconds << 5) | (long)digit;
            }
        }

        return true;
    }

    // The letters I, L, O and U are none of its digits.
    private static int CrockfordDigit(char letter) => "0123456789ABCDEFGHJKMNPQRSTVWXYZ".IndexOf(char.ToUpperInvariant(letter), StringComparison.Ordinal);

    private static bool No(out long milliseconds)
    {
        milliseconds = 0;
        return false;
    }
}
