using System.Buffers;
using System.Security.Cryptography;

namespace FinanceIngest.Cli.Submitting;

/// <summary>One transaction of a file as it stands there. Whether it is a valid one is for the API to say.</summary>
internal abstract class SourceRow
{
    /// <summary>The line of the file on which it starts, from 1.</summary>
    public required long Line { get; init; }

    /// <summary>Why it can't even be sent; null when it can.</summary>
    public string? Problem { get; init; }

    /// <summary>Whether it is sent as it is: it has an idempotency key of its own, or is something that the API refuses.</summary>
    public abstract bool IsComplete { get; }

    /// <summary>Whether it says when it occurred.</summary>
    public abstract bool HasOccurredAt { get; }

    /// <summary>Feeds its fields to a hash, unambiguously, in the order user, category, amount, time.</summary>
    public abstract void AppendFields(IncrementalHash hash);

    /// <summary>Writes it as one line of JSON, without the line's end.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="idempotencyKey">The key to give it; ignored when it is complete.</param>
    public abstract void WriteJson(IBufferWriter<byte> output, string? idempotencyKey);

    /// <summary>Feeds a field to a hash with its length before it, so that no two different rows look the same.</summary>
    protected static void Append(IncrementalHash hash, ReadOnlySpan<byte> field)
    {
        Span<byte> length = stackalloc byte[4];
        System.Buffers.Binary.BinaryPrimitives.WriteInt32LittleEndian(length, field.Length);
        hash.AppendData(length);
        hash.AppendData(field);
    }
}
