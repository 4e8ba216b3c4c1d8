using System.Buffers;
using System.Security.Cryptography;

namespace FinanceIngest.Cli.Submitting;

/// <summary>A transaction as the file has it. The API decides whether it is valid.</summary>
internal abstract class SourceRow
{
    /// <summary>The line of the file on which the row starts, from 1.</summary>
    public required long Line { get; init; }

    /// <summary>Why the row can't be sent; null when it can.</summary>
    public string? Problem { get; init; }

    /// <summary>Whether the row is sent as it is, because it has an idempotency key.</summary>
    public abstract bool IsComplete { get; }

    /// <summary>Whether the row has an <c>occurred_at</c>.</summary>
    public abstract bool HasOccurredAt { get; }

    /// <summary>The user and the idempotency key that the row itself has; null when it has none, or can't be sent.</summary>
    public abstract (string User, string Key)? OwnKey { get; }

    /// <summary>Appends the row's fields to a hash in the order user, category, amount, time, so that different rows never give the same input.</summary>
    public abstract void AppendFields(IncrementalHash hash);

    /// <summary>Writes the row as one line of JSON, without a line end.</summary>
    /// <param name="output">The output.</param>
    /// <param name="idempotencyKey">The key to add; ignored when the row is complete.</param>
    public abstract void WriteJson(IBufferWriter<byte> output, string? idempotencyKey);

    /// <summary>Appends a field to a hash, with its length before it, so that fields can't run into each other.</summary>
    protected static void Append(IncrementalHash hash, ReadOnlySpan<byte> field)
    {
        Span<byte> length = stackalloc byte[4];
        System.Buffers.Binary.BinaryPrimitives.WriteInt32LittleEndian(length, field.Length);
        hash.AppendData(length);
        hash.AppendData(field);
    }
}
