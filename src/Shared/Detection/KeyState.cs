using System.Buffers.Binary;

namespace FinanceIngest.Detection;

/// <summary>
/// What is known of one user's amounts in one category, refunds apart. Every field is a sum over rows, so that a row is added and taken out in any order; only
/// generations of remembered amounts and the peak stay when their row goes.
/// </summary>
internal struct KeyState
{
    /// <summary>Bytes of the encoded state.</summary>
    public const int Size = 12 + (6 * 16) + (RememberedAmounts.Length * RememberedAmount.Size);

    // A sum whose rounding may exceed a relative 1e-9: 106 bits less these are fewer than 30, with room for a thousand operations.
    private const int MostPrecisionLost = 60;

    /// <summary>How many days earlier a remembered amount counts as paid that the user has called his own.</summary>
    public const int VouchedDays = 5;

    private const byte Version = 1;

    /// <summary>Sum of the rows' weights.</summary>
    public PreciseSum Weight;

    /// <summary>Weighted sum of amounts.</summary>
    public PreciseSum Amounts;

    /// <summary>Weighted sum of squared amounts.</summary>
    public PreciseSum AmountSquares;

    /// <summary>Weighted sum of log amounts.</summary>
    public PreciseSum Logs;

    /// <summary>Weighted sum of squared log amounts.</summary>
    public PreciseSum LogSquares;

    /// <summary>Weighted sum of how much better the plain scale foresaw a row than the log scale.</summary>
    public PreciseSum Evidence;

    /// <summary>Rows seen.</summary>
    public int Rows;

    /// <summary>Rows whose amount was a remembered one.</summary>
    public int Repeats;

    /// <summary>Binary exponent of the largest sum of squares so far. It says how exact the sums can still be.</summary>
    public short Peak;

    /// <summary>Amounts outside the usual that were paid before.</summary>
    public RememberedAmounts Remembered;

    /// <summary>
    /// Whether the sums are certain to a relative 1e-9. They are not once a row was taken out beside which the others are less than a billionth;
    /// such a state has to be
    /// summed again from its rows.
    /// </summary>
    public readonly bool IsPrecise => Rows == 0 || Exponent(AmountSquares.High) > Peak - MostPrecisionLost;

    /// <summary>Adds what a row contributed.</summary>
    public void Apply(in Contribution row, DateTime occurredAt)
    {
        Add(row, occurredAt, 1);
        Peak = short.Max(Peak, Exponent(AmountSquares.High));
        if (row.Slot == 0)
        {
            return;
        }

        ref RememberedAmount slot = ref Remembered[row.Slot - 1];
        if (row.Generation > slot.Generation)
        {
            slot = new RememberedAmount { Log = row.SlotLog, Generation = row.Generation, FirstDay = row.SlotFirstDay };
        }

        if (row.Generation == slot.Generation)
        {
            slot.Count++;
            slot.DaySum += DaysOf(row, occurredAt);
        }
    }

    /// <summary>Takes out what a row contributed, its part in remembered amounts included.</summary>
    public void Remove(in Contribution row, DateTime occurredAt)
    {
        Forget(row, occurredAt);
        Add(row, occurredAt, -1);
        if (Rows == 0)
        {
            // Nothing is left, so neither is what rounding left.
            this = new KeyState { Remembered = Remembered };
        }
    }

    /// <summary>Ends a row's part in remembered amounts; its part in the sums stays. This is what retention does.</summary>
    public void Forget(in Contribution row, DateTime occurredAt)
    {
        if (row.Slot == 0)
        {
            return;
        }

        ref RememberedAmount slot = ref Remembered[row.Slot - 1];
        if (row.Generation == slot.Generation && slot.Count > 0)
        {
            slot.Count--;
            slot.DaySum -= DaysOf(row, occurredAt);
        }
    }

    /// <summary>Writes the state, little-endian.</summary>
    /// <param name="destination">At least <see cref="Size"/> bytes.</param>
    public readonly void Write(Span<byte> destination)
    {
        destination = destination[..Size];
        destination.Clear();
        destination[0] = Version;
        BinaryPrimitives.WriteInt16LittleEndian(destination[2..], Peak);
        BinaryPrimitives.WriteInt32LittleEndian(destination[4..], Rows);
        BinaryPrimitives.WriteInt32LittleEndian(destination[8..], Repeats);
        ReadOnlySpan<PreciseSum> sums = [Weight, Amounts, AmountSquares, Logs, LogSquares, Evidence];
        int at = 12;
        foreach (PreciseSum sum in sums)
        {
            at = sum.Write(destination, at);
        }

        for (int i = 0; i < RememberedAmounts.Length; i++, at += RememberedAmount.Size)
        {
            Remembered[i].Write(destination[at..]);
        }
    }

    /// <summary>Reads what <see cref="Write"/> wrote; nothing at all is the state of a user and category that were never seen.</summary>
    /// <exception cref="FormatException">The bytes are not a state of a version that this program knows.</exception>
    public static KeyState Read(ReadOnlySpan<byte> source)
    {
        if (source.IsEmpty)
        {
            return default;
        }

        EncodedBytes.Require(source, Version, Size, "A detector's state");

        int at = 12;
        var state = new KeyState
        {
            Peak = BinaryPrimitives.ReadInt16LittleEndian(source[2..]),
            Rows = BinaryPrimitives.ReadInt32LittleEndian(source[4..]),
            Repeats = BinaryPrimitives.ReadInt32LittleEndian(source[8..]),
            Weight = PreciseSum.Read(source, ref at),
            Amounts = PreciseSum.Read(source, ref at),
            AmountSquares = PreciseSum.Read(source, ref at),
            Logs = PreciseSum.Read(source, ref at),
            LogSquares = PreciseSum.Read(source, ref at),
            Evidence = PreciseSum.Read(source, ref at),
        };
        for (int i = 0; i < RememberedAmounts.Length; i++, at += RememberedAmount.Size)
        {
            state.Remembered[i] = RememberedAmount.Read(source[at..]);
        }

        return state;
    }

    // An amount vouches for others like it when it was paid some days ago, so that those of one episode don't vouch for each other. One that the user called
    // his own vouches at once: it counts as paid that much earlier.
    private static int DaysOf(in Contribution row, DateTime occurredAt) =>
        Days.Between(row.SlotFirstDay, occurredAt) - (row.Verdict == FeedbackVerdict.Expected ? VouchedDays : 0);

    // Each product is computed alike when the row comes and when it goes, so that the second undoes the first.
    private void Add(in Contribution row, DateTime occurredAt, int sign)
    {
        double weight = sign * row.Weight * Fading.Weight(occurredAt);
        Weight = Weight.Plus(weight);
        Amounts = Amounts.Plus(weight * row.Amount);
        AmountSquares = AmountSquares.Plus(weight * row.Amount * row.Amount);
        Logs = Logs.Plus(weight * row.Log);
        LogSquares = LogSquares.Plus(weight * row.Log * row.Log);
        Evidence = Evidence.Plus(weight * row.Evidence);
        Rows += sign;
        Repeats += row.IsRepeat ? sign : 0;
    }

    private static short Exponent(double number) => number > 0 ? (short)Math.ILogB(number) : (short)-2000;
}
