using System.Security.Cryptography;

namespace FinanceIngest.Results;

/// <summary>
/// Ids of written batches: 42 bits of Unix milliseconds and 21 random bits. The writer makes them, which saves a round trip. Unlike positions they are never
/// given twice, so a cursor recognises a restored database. They sort by time, to the millisecond of the writer's clock.
/// </summary>
internal static class BatchId
{
    private const int RandomBits = 21;

    /// <summary>A new id, greater than 0.</summary>
    public static long Next(TimeProvider time) =>
        (time.GetUtcNow().ToUnixTimeMilliseconds() << RandomBits) | (uint)RandomNumberGenerator.GetInt32(1 << RandomBits);

    /// <summary>When a batch was written (UTC), to the millisecond of its writer's clock.</summary>
    public static DateTime TimeOf(long id) => DateTimeOffset.FromUnixTimeMilliseconds(id >> RandomBits).UtcDateTime;

    /// <summary>The lowest id of a batch written at or after an instant.</summary>
    public static long First(DateTime instant) => new DateTimeOffset(instant).ToUnixTimeMilliseconds() << RandomBits;
}
