using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace FinanceIngest.Transactions;

/// <summary>
/// Makes transaction ids that certify themselves: the status endpoint can tell an issued id from an invented one before the transaction has a row, and so
/// the intake never writes to SQL.
/// </summary>
/// <remarks>
/// A UUID of version 8 (RFC 9562, section 5.8) has 122 free bits. Here 98 bits are the body and 24 bits are the tag. The body is 48 bits of Unix
/// milliseconds followed by 50 random bits, so that ids sort by time; for an idempotency key it is 98 bits of HMAC-SHA256 over user and key, so that a
/// repeat has the same id. A key that carries its own time (<see cref="KeyTime"/>) lends the id that time: 38 bits of units of 1,024 ms, followed by 60 bits
/// of the hash, so that ids of such keys lie in order too. The tag is SipHash-2-4 over the body. Each purpose has its own key, derived from the signing key
/// by HKDF (RFC 5869). <c>docs/security.md</c> says what an attacker can do with forged tags.
/// </remarks>
public sealed class IdCertifier
{
    private const int TagLength = 3;
    private const int RandomLength = 7;

    // The time that a key lends is told to 2^10 milliseconds, so that the hash has 60 bits.
    private const int UnitBits = 10;

    // Random bytes come from the operating system by the page, so that hundreds of ids cost one call.
    [ThreadStatic]
    private static RandomPage? t_random;

    private readonly SipHash _tag;
    private readonly byte[] _bodyKey;
    private readonly ConcurrentBag<IncrementalHash> _bodies = [];
    private readonly TimeProvider _time;

    /// <param name="signingKey">The installation's secret, the same for all its processes and for its whole life.</param>
    /// <param name="time">The clock from which time-ordered ids take their time.</param>
    public IdCertifier(string signingKey, TimeProvider time)
    {
        byte[] secret = Encoding.UTF8.GetBytes(signingKey);
        _bodyKey = Derive(secret, "transaction-id body");
        _tag = new SipHash(Derive(secret, "transaction-id tag"));
        Fingerprint = Convert.ToHexStringLower(Derive(secret, "signing-key fingerprint").AsSpan(0, 8));
        _time = time;
    }

    /// <summary>16 hexadecimal digits that distinguish signing keys and reveal nothing about them.</summary>
    public string Fingerprint { get; }

    /// <summary>Returns a new id. Ids sort by the millisecond in which they were made.</summary>
    public Guid NewId() => NewId(_time.GetUtcNow().UtcDateTime);

    /// <summary>Returns a new id for a time that the caller has read from the clock.</summary>
    /// <param name="now">UTC.</param>
    public Guid NewId(DateTime now)
    {
        Span<byte> body = stackalloc byte[16];
        (t_random ??= new RandomPage()).Fill(body.Slice(6, RandomLength));
        long milliseconds = (now.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMillisecond;
        BinaryPrimitives.WriteUInt16BigEndian(body, (ushort)(milliseconds >> 32));
        BinaryPrimitives.WriteUInt32BigEndian(body[2..], (uint)milliseconds);
        return Certify(body);
    }

    /// <summary>Returns the id of a user's idempotency key, with the key's time where it carries one.</summary>
    public Guid ForIdempotencyKey(long userId, string key) => FromKey("key", userId, key, 0);

    /// <summary>Returns the id of a batch item that has no key of its own, from the batch's key and the item's index, with that key's time.</summary>
    public Guid ForBatchItem(long userId, string batchKey, int index) => FromKey("batch", userId, batchKey, index);

    /// <summary>Returns the id of a transaction that has none in its message; it is the same for every delivery of that message.</summary>
    public Guid ForMessage(string queue, string messageId, int index) => FromHash("message", index, $"{queue}\n{messageId}", index);

    /// <summary>Returns the id of a row that the older system wrote.</summary>
    public Guid ForOlderRow(long rowId) => FromHash("older-row", rowId, "", 0);

    /// <summary>Returns the id of a transaction's alert; it is the same however often the alert is made or sent.</summary>
    public Guid AlertId(Guid transactionId)
    {
        // An alert's id has no tag, so that the status endpoint does not mistake it for an issued transaction id.
        Span<byte> hash = stackalloc byte[32];
        Hash("alert", 0, transactionId.ToString("D"), 0, hash);
        Stamp(hash);
        return new Guid(hash[..16], bigEndian: true);
    }

    /// <summary>Whether this installation issued the id. A forged id passes with a probability of 2^−24.</summary>
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

    private Guid FromKey(string purpose, long userId, string key, int index)
    {
        Span<byte> hash = stackalloc byte[32];
        Hash(purpose, userId, key, index, hash);
        if (KeyTime.TryRead(key, out long milliseconds))
        {
            LendTime(hash, milliseconds);
        }

        return Certify(hash[..16]);
    }

    // The first 38 bits become the time; the others of the hash stay.
    private static void LendTime(Span<byte> body, long milliseconds)
    {
        ulong time = (ulong)(milliseconds >> UnitBits) << (16 + UnitBits);
        ulong rest = BinaryPrimitives.ReadUInt64BigEndian(body) & ((1UL << (16 + UnitBits)) - 1);
        BinaryPrimitives.WriteUInt64BigEndian(body, time | rest);
    }

    private Guid FromHash(string purpose, long number, string text, int index)
    {
        Span<byte> hash = stackalloc byte[32];
        Hash(purpose, number, text, index, hash);
        return Certify(hash[..16]);
    }

    private void Hash(string purpose, long number, string text, int index, Span<byte> hash)
    {
        // Keys are bounded elsewhere, but this method also hashes texts of any length.
        int maximum = purpose.Length + 1 + 8 + 4 + Encoding.UTF8.GetMaxByteCount(text.Length);
        Span<byte> input = maximum <= 1024 ? stackalloc byte[1024] : new byte[maximum];
        int at = Encoding.ASCII.GetBytes(purpose, input);
        input[at++] = 0;
        BinaryPrimitives.WriteInt64BigEndian(input[at..], number);
        BinaryPrimitives.WriteInt32BigEndian(input[(at + 8)..], index);
        at += 12;
        at += Encoding.UTF8.GetBytes(text, input[at..]);

        // HMAC instances are reused, because making one costs several times as much as hashing with it.
        IncrementalHash body = _bodies.TryTake(out IncrementalHash? idle) ? idle : IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, _bodyKey);
        body.AppendData(input[..at]);
        body.GetHashAndReset(hash);
        _bodies.Add(body);
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
        Span<byte> hash = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(hash, _tag.Hash(bytes[..13]));
        hash[..TagLength].CopyTo(tag);
    }

    private static byte[] Derive(byte[] secret, string purpose) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, 32, info: Encoding.UTF8.GetBytes(purpose));

    private sealed class RandomPage
    {
        private readonly byte[] _bytes = new byte[RandomLength * 512];
        private int _at = RandomLength * 512;

        public void Fill(Span<byte> destination)
        {
            if (_at == _bytes.Length)
            {
                RandomNumberGenerator.Fill(_bytes);
                _at = 0;
            }

            Span<byte> next = _bytes.AsSpan(_at, RandomLength);
            next.CopyTo(destination);

            // The randomness of an id does not stay in memory.
            next.Clear();
            _at += RandomLength;
        }
    }
}
