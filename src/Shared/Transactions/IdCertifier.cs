using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace FinanceIngest.Transactions;

/// <summary>
/// Makes transaction ids that certify themselves, so that the status endpoint can tell an issued id from an invented
/// one without a row and the intake never writes to SQL.
/// </summary>
/// <remarks>
/// A UUID of version 8 (RFC 9562, section 5.8) has 122 free bits: 98 of body, then 24 of tag. The body is 48 bits of Unix
/// milliseconds and 50 random ones, so that ids sort by time; or, for an idempotency key, 98 bits of
/// HMAC-SHA256 over user and key, so that a repeat has the same id. The tag is HMAC-SHA256 over the body. Each purpose has a
/// key of its own, derived from the signing key by HKDF (RFC 5869). <c>docs/security.md</c> says what an attacker can do with it.
/// </remarks>
public sealed class IdCertifier
{
    private const int TagLength = 3;
    private readonly byte[] _tagKey;
    private readonly byte[] _bodyKey;
    private readonly TimeProvider _time;

    /// <param name="signingKey">The installation's secret, the same for all its processes and for its whole life.</param>
    /// <param name="time">Clock of the time-ordered ids.</param>
    public IdCertifier(string signingKey, TimeProvider time)
    {
        byte[] secret = Encoding.UTF8.GetBytes(signingKey);
        _tagKey = Derive(secret, "transaction-id tag");
        _bodyKey = Derive(secret, "transaction-id body");
        Fingerprint = Convert.ToHexStringLower(Derive(secret, "signing-key fingerprint").AsSpan(0, 8));
        _time = time;
    }

    /// <summary>16 hexadecimal digits that tell one signing key from another and reveal nothing of it.</summary>
    public string Fingerprint { get; }

    /// <summary>A fresh id, ordered in time.</summary>
    public Guid NewId()
    {
        Span<byte> body = stackalloc byte[16];
        RandomNumberGenerator.Fill(body[6..13]);
        long milliseconds = _time.GetUtcNow().ToUnixTimeMilliseconds();
        BinaryPrimitives.WriteUInt16BigEndian(body, (ushort)(milliseconds >> 32));
        BinaryPrimitives.WriteUInt32BigEndian(body[2..], (uint)milliseconds);
        return Certify(body);
    }

    /// <summary>The id of a user's idempotency key.</summary>
    public Guid ForIdempotencyKey(long userId, string key) => FromHash("key", userId, key, 0);

    /// <summary>The id of a batch item without a key of its own, from the batch's key and the item's index.</summary>
    public Guid ForBatchItem(long userId, string batchKey, int index) => FromHash("batch", userId, batchKey, index);

    /// <summary>The id of a transaction that came without one: the same for every delivery of its message.</summary>
    public Guid ForMessage(string queue, string messageId, int index) => FromHash("message", index, $"{queue}\n{messageId}", index);

    /// <summary>The id of a row of the older system.</summary>
    public Guid ForOlderRow(long rowId) => FromHash("older-row", rowId, "", 0);

    /// <summary>The alert of a transaction: the same however often it is made or sent.</summary>
    public Guid AlertId(Guid transactionId)
    {
        // No certificate: an alert's id, asked for as a transaction's, was never issued as one.
        Span<byte> hash = stackalloc byte[32];
        Hash("alert", 0, transactionId.ToString("D"), 0, hash);
        Stamp(hash);
        return new Guid(hash[..16], bigEndian: true);
    }

    /// <summary>Whether this installation issued the id (a forged one passes with a chance of 2^−24).</summary>
    public bool IsIssued(Guid id)
    {
        Span<byte> bytes = stackalloc byte[16];
        Span<byte> tag = stackalloc byte[TagLength];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        if (bytes[6] >> 4 != 8 || bytes[8] >> 6 != 0b10)
        {
            return false;
        }

        ComputeTag(bytes, tag);
        return CryptographicOperations.FixedTimeEquals(tag, bytes[13..]);
    }

    private Guid FromHash(string purpose, long number, string text, int index)
    {
        Span<byte> hash = stackalloc byte[32];
        Hash(purpose, number, text, index, hash);
        return Certify(hash[..16]);
    }

    private void Hash(string purpose, long number, string text, int index, Span<byte> hash)
    {
        byte[] purposeBytes = Encoding.UTF8.GetBytes(purpose);
        byte[] textBytes = Encoding.UTF8.GetBytes(text);
        byte[] input = new byte[purposeBytes.Length + 1 + 8 + 4 + textBytes.Length];
        purposeBytes.CopyTo(input, 0);
        Span<byte> rest = input.AsSpan(purposeBytes.Length + 1);
        BinaryPrimitives.WriteInt64BigEndian(rest, number);
        BinaryPrimitives.WriteInt32BigEndian(rest[8..], index);
        textBytes.CopyTo(rest[12..]);
        HMACSHA256.HashData(_bodyKey, input, hash);
    }

    // Stamps version and variant into the body and fills in its tag.
    private Guid Certify(Span<byte> bytes)
    {
        Stamp(bytes);
        ComputeTag(bytes, bytes[13..]);
        return new Guid(bytes, bigEndian: true);
    }

    private static void Stamp(Span<byte> bytes)
    {
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x80);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
    }

    private void ComputeTag(ReadOnlySpan<byte> bytes, Span<byte> tag)
    {
        Span<byte> hash = stackalloc byte[32];
        HMACSHA256.HashData(_tagKey, bytes[..13], hash);
        hash[..TagLength].CopyTo(tag);
    }

    private static byte[] Derive(byte[] secret, string purpose) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, 32, info: Encoding.UTF8.GetBytes(purpose));
}
