using System.Diagnostics.CodeAnalysis;
using System.Text;
using FinanceIngest.Transactions;

namespace FinanceIngest.Queueing;

/// <summary>
/// Packs an envelope into few bytes for the embedded queue: some 35 a transaction where its text has 240. Nothing is lost: unpacking gives the text that would
/// have been sent, to the letter.
/// </summary>
/// <remarks>
/// A byte of version, 1 or 2; then, as LEB128 integers (https://en.wikipedia.org/wiki/LEB128; signed ones zigzag first): the length of the JSON, that of the
/// trace context plus one (0: there is none) and the context, the count; then for each transaction 16 bytes of id, user, category, amount in ten-thousandths,
/// microseconds from the previous acceptance to its own, and from there to when it occurred. Version 2, which is used only where it is needed, has one byte
/// more before the count (1: the transactions are a history), and behind each transaction a byte that says whether 16 bytes follow: the id of the transaction
/// that it replaces. Commands are not packed: they are few, and their text can be read.
/// </remarks>
internal static class EnvelopePacking
{
    private const byte Version = 1;
    private const byte VersionWithMarks = 2;
    private const int MaximumVarint = 10;
    private const int IdLength = 16;
    private const int MaximumItem = IdLength + (5 * MaximumVarint) + 1 + IdLength;

    /// <summary>Packs an envelope of transactions.</summary>
    public static byte[] Pack(Envelope envelope)
    {
        bool hasMarks = envelope.IsHistory || envelope.Transactions.Any(transaction => transaction.Replaces is not null);
        byte[] trace = envelope.TraceParent is null ? [] : Encoding.UTF8.GetBytes(envelope.TraceParent);
        byte[] buffer = new byte[2 + (3 * MaximumVarint) + trace.Length + (envelope.Transactions.Count * MaximumItem)];
        int at = 0;
        buffer[at++] = hasMarks ? VersionWithMarks : Version;
        Write(buffer, ref at, (ulong)envelope.JsonLength);
        Write(buffer, ref at, envelope.TraceParent is null ? 0 : (ulong)trace.Length + 1);
        trace.CopyTo(buffer, at);
        at += trace.Length;
        if (hasMarks)
        {
            buffer[at++] = envelope.IsHistory ? (byte)1 : (byte)0;
        }

        Write(buffer, ref at, (ulong)envelope.Transactions.Count);
        long previous = 0;
        foreach (Transaction transaction in envelope.Transactions)
        {
            long accepted = Microseconds(transaction.AcceptedAt);
            transaction.Id.TryWriteBytes(buffer.AsSpan(at), bigEndian: true, out _);
            at += IdLength;
            Write(buffer, ref at, (ulong)transaction.UserId);
            Write(buffer, ref at, (ulong)transaction.CategoryId);
            Write(buffer, ref at, ZigZag(transaction.Amount.Units));
            Write(buffer, ref at, ZigZag(accepted - previous));
            Write(buffer, ref at, ZigZag(Microseconds(transaction.OccurredAt) - accepted));
            previous = accepted;
            if (hasMarks)
            {
                buffer[at++] = transaction.Replaces is null ? (byte)0 : (byte)1;
                at += transaction.Replaces?.TryWriteBytes(buffer.AsSpan(at), bigEndian: true, out _) == true ? IdLength : 0;
            }
        }

        return buffer[..at];
    }

    public static bool TryReadJsonLength(ReadOnlySpan<byte> packed, out int length)
    {
        int at = 1;
        bool read = TryReadCount(packed, ref at, MessageText.MaximumJsonLength, out length);
        return read && packed[0] is Version or VersionWithMarks;
    }

    /// <summary>Unpacks an envelope; false when the bytes are not what <see cref="Pack"/> made.</summary>
    public static bool TryUnpack(ReadOnlySpan<byte> packed, [NotNullWhen(true)] out Envelope? envelope)
    {
        envelope = null;
        int at = 1;
        if (!TryReadJsonLength(packed, out int jsonLength)
            || !TryReadCount(packed, ref at, MessageText.MaximumJsonLength, out _)
            || !TryReadCount(packed, ref at, packed.Length - at, out int trace)
            || !TryReadText(packed, ref at, trace, out string? traceParent)
            || !TryReadMark(packed, ref at, out bool isHistory)
            || !TryReadCount(packed, ref at, packed.Length / IdLength, out int count))
        {
            return false;
        }

        var transactions = new Transaction[count];
        long accepted = 0;
        for (int i = 0; i < count; i++)
        {
            if (!TryReadTransaction(packed, ref at, ref accepted, out Transaction? transaction))
            {
                return false;
            }

            if (!TryReadMark(packed, ref at, out bool replaces) || (replaces && packed.Length - at < IdLength))
            {
                return false;
            }

            transactions[i] = isHistory || replaces
                ? transaction with { IsHistory = isHistory, Replaces = replaces ? new Guid(packed.Slice(at, IdLength), bigEndian: true) : null }
                : transaction;
            at += replaces ? IdLength : 0;
        }

        envelope = at == packed.Length ? new Envelope(traceParent, transactions, jsonLength) { IsHistory = isHistory } : null;
        return envelope is not null;
    }

    private static bool TryReadTransaction(ReadOnlySpan<byte> packed, ref int at, ref long accepted, [NotNullWhen(true)] out Transaction? transaction)
    {
        transaction = null;
        if (packed.Length - at < IdLength)
        {
            return false;
        }

        var id = new Guid(packed.Slice(at, IdLength), bigEndian: true);
        at += IdLength;
        if (!TryRead(packed, ref at, out ulong user) || !TryRead(packed, ref at, out ulong category) || !TryRead(packed, ref at, out ulong units)
            || !TryRead(packed, ref at, out ulong sinceAccepted) || !TryRead(packed, ref at, out ulong occurredAfterAcceptance))
        {
            return false;
        }

        accepted = unchecked(accepted + UnZigZag(sinceAccepted));
        if (user is 0 or > long.MaxValue || category is 0 or > long.MaxValue || UnZigZag(units) == long.MinValue
            || !TryInstant(accepted, out DateTime acceptedAt) || !TryInstant(unchecked(accepted + UnZigZag(occurredAfterAcceptance)), out DateTime occurredAt))
        {
            return false;
        }

        transaction = new Transaction(id, (long)user, (long)category, new Money(UnZigZag(units)), occurredAt, acceptedAt);
        return true;
    }

    // Version 1 has no marks: none is set.
    private static bool TryReadMark(ReadOnlySpan<byte> packed, ref int at, out bool isSet)
    {
        isSet = false;
        if (packed[0] == Version)
        {
            return true;
        }

        if (at >= packed.Length || packed[at] > 1)
        {
            return false;
        }

        isSet = packed[at++] == 1;
        return true;
    }

    private static bool TryReadText(ReadOnlySpan<byte> packed, ref int at, int lengthPlusOne, out string? text)
    {
        text = null;
        if (lengthPlusOne == 0)
        {
            return true;
        }

        if (packed.Length - at < lengthPlusOne - 1)
        {
            return false;
        }

        text = Encoding.UTF8.GetString(packed.Slice(at, lengthPlusOne - 1));
        at += lengthPlusOne - 1;
        return true;
    }

    private static bool TryReadCount(ReadOnlySpan<byte> packed, ref int at, int maximum, out int count)
    {
        bool read = TryRead(packed, ref at, out ulong value) && value <= (ulong)Math.Max(0, maximum);
        count = read ? (int)value : 0;
        return read;
    }

    private static bool TryRead(ReadOnlySpan<byte> packed, ref int at, out ulong value)
    {
        value = 0;
        for (int shift = 0; shift < 64 && at < packed.Length; shift += 7)
        {
            byte next = packed[at++];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return true;
            }
        }

        return false;
    }

    private static void Write(byte[] buffer, ref int at, ulong value)
    {
        for (; value >= 0x80; value >>= 7)
        {
            buffer[at++] = (byte)(value | 0x80);
        }

        buffer[at++] = (byte)value;
    }

    private static ulong ZigZag(long value) => (ulong)((value << 1) ^ (value >> 63));

    private static long UnZigZag(ulong value) => (long)(value >> 1) ^ -(long)(value & 1);

    private static long Microseconds(DateTime instant) => (instant.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    private static bool TryInstant(long microseconds, out DateTime instant)
    {
        const long ticks = TimeSpan.TicksPerMicrosecond;
        bool fits = microseconds >= (DateTime.MinValue.Ticks - DateTime.UnixEpoch.Ticks) / ticks
            && microseconds <= (DateTime.MaxValue.Ticks - DateTime.UnixEpoch.Ticks) / ticks;
        instant = fits ? new DateTime(DateTime.UnixEpoch.Ticks + (microseconds * ticks), DateTimeKind.Utc) : default;
        return fits;
    }
}
