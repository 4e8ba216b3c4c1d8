using System.Buffers.Binary;

namespace FinanceIngest.Detection;

/// <summary>
/// What a row added to the states of its user and its category: exactly what its result has to keep, beside its own time, so that it can be taken out again.
/// Fields have the precision in which they are stored, so that what is taken out is what was put in.
/// </summary>
internal readonly record struct Contribution
{
    /// <summary>Bytes of the encoded contribution.</summary>
    public const int Size = 56;

    private const byte Version = 1;
    private const byte RepeatFlag = 1;
    private const byte ExpectedFlag = 2;
    private const byte UnexpectedFlag = 4;

    /// <summary>How far the row was learned, 0 … 1: less when it was suspicious.</summary>
    public float Weight { get; init; }

    /// <summary>The amount that was learned: without the season, and not further from the usual than one row may pull.</summary>
    public double Amount { get; init; }

    /// <summary>The log amount that was learned, likewise.</summary>
    public float Log { get; init; }

    /// <summary>How much better the plain scale foresaw the row than the log scale, in log density, −2 … 2.</summary>
    public float Evidence { get; init; }

    /// <summary>What the row says of an episode of misuse, in log odds.</summary>
    public float Episode { get; init; }

    /// <summary>Log odds of an episode before the row. A verdict on the row begins from here.</summary>
    public float EpisodeBefore { get; init; }

    /// <summary>Log amount above the category's mean over everybody, −3 … 3.</summary>
    public float Residual { get; init; }

    /// <summary>Log amount, the season included, above the user's usual, −2 … 2: from these come the offsets of weekdays and months.</summary>
    public float Seasonal { get; init; }

    /// <summary>Whether the amount was a remembered one.</summary>
    public bool IsRepeat { get; init; }

    /// <summary>The verdict that it takes into account; null: none.</summary>
    public FeedbackVerdict? Verdict { get; init; }

    /// <summary>The place of the remembered amount, 1 … 7; 0: none.</summary>
    public byte Slot { get; init; }

    /// <summary>Generation of the place.</summary>
    public ushort Generation { get; init; }

    /// <summary>Day on which the place was taken, in days since 1970-01-01.</summary>
    public ushort SlotFirstDay { get; init; }

    /// <summary>Log amount of the place.</summary>
    public float SlotLog { get; init; }

    /// <summary>Bin of the surprise in the category's table, see <see cref="CalibrationTable"/>.</summary>
    public byte SurpriseBin { get; init; }

    /// <summary>Bucket of the rows known in the category's table.</summary>
    public byte CountBucket { get; init; }

    /// <summary>Bin of the odds in the table from which thresholds come, see <see cref="OddsTable"/>.</summary>
    public ushort OddsBin { get; init; }

    /// <summary>Version of the prior with which the row was scored.</summary>
    public int PriorVersion { get; init; }

    /// <summary>Writes the contribution, little-endian.</summary>
    /// <param name="destination">At least <see cref="Size"/> bytes.</param>
    public void Write(Span<byte> destination)
    {
        destination = destination[..Size];
        destination.Clear();
        destination[0] = Version;
        destination[1] = (byte)((IsRepeat ? RepeatFlag : 0)
            | (Verdict switch { FeedbackVerdict.Expected => ExpectedFlag, FeedbackVerdict.Unexpected => UnexpectedFlag, _ => 0 }));
        destination[2] = Slot;
        destination[3] = SurpriseBin;
        destination[4] = CountBucket;
        BinaryPrimitives.WriteUInt16LittleEndian(destination[6..], Generation);
        BinaryPrimitives.WriteDoubleLittleEndian(destination[8..], Amount);
        ReadOnlySpan<float> numbers = [Weight, Log, Evidence, Episode, EpisodeBefore, Residual, Seasonal, SlotLog];
        int at = 16;
        foreach (float number in numbers)
        {
            BinaryPrimitives.WriteSingleLittleEndian(destination[at..], number);
            at += sizeof(float);
        }

        BinaryPrimitives.WriteInt32LittleEndian(destination[48..], PriorVersion);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[52..], SlotFirstDay);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[54..], OddsBin);
    }

    /// <summary>The bytes that <see cref="Write"/> writes.</summary>
    public byte[] ToBytes()
    {
        byte[] bytes = new byte[Size];
        Write(bytes);
        return bytes;
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <exception cref="FormatException">The bytes are not a contribution of a version that this program knows.</exception>
    public static Contribution Read(ReadOnlySpan<byte> source)
    {
        EncodedBytes.Require(source, Version, Size, "A row's contribution");

        return new Contribution
        {
            IsRepeat = (source[1] & RepeatFlag) != 0,
            Verdict = (source[1] & ExpectedFlag) != 0 ? FeedbackVerdict.Expected : (source[1] & UnexpectedFlag) != 0 ? FeedbackVerdict.Unexpected : null,
            Slot = source[2],
            SurpriseBin = source[3],
            CountBucket = source[4],
            Generation = BinaryPrimitives.ReadUInt16LittleEndian(source[6..]),
            Amount = BinaryPrimitives.ReadDoubleLittleEndian(source[8..]),
            Weight = BinaryPrimitives.ReadSingleLittleEndian(source[16..]),
            Log = BinaryPrimitives.ReadSingleLittleEndian(source[20..]),
            Evidence = BinaryPrimitives.ReadSingleLittleEndian(source[24..]),
            Episode = BinaryPrimitives.ReadSingleLittleEndian(source[28..]),
            EpisodeBefore = BinaryPrimitives.ReadSingleLittleEndian(source[32..]),
            Residual = BinaryPrimitives.ReadSingleLittleEndian(source[36..]),
            Seasonal = BinaryPrimitives.ReadSingleLittleEndian(source[40..]),
            SlotLog = BinaryPrimitives.ReadSingleLittleEndian(source[44..]),
            PriorVersion = BinaryPrimitives.ReadInt32LittleEndian(source[48..]),
            SlotFirstDay = BinaryPrimitives.ReadUInt16LittleEndian(source[52..]),
            OddsBin = BinaryPrimitives.ReadUInt16LittleEndian(source[54..]),
        };
    }
}
