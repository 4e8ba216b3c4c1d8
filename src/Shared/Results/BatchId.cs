using System.Security.Cryptography;

namespace FinanceIngest.Results;

/// <summary>
/// Ids of written batches: 42 bits of Unix milliseconds, 21 random ones. Made by the writer, so that no round trip is needed, and
/// unlike positions never given twice, so that a cursor knows a restored database. In order of time, to the millisecond of the writer's clock.
/// </summary>
internal static class BatchId
{
    private const int RandomBits = 21;

    /// <summary>A fresh id, positive.</summary>
    public static long Next(TimeProvider time) =>
        (time.GetUtcNow().ToUnixTimeMilliseconds() << RandomBits) | (uint)RandomNumberGenerator.GetInt32(1 << RandomBits);

    /// <summary>The lowest id of a batch written at or after an instant.</summary>
    public static long First(DateTime instant) => new DateTimeOffset(instant).ToUnixTimeMilliseconds() << RandomBits;
}
