using System.Buffers.Binary;

namespace FinanceIngest.Detection;

/// <summary>
/// What is known of a user over all categories: how likely it is that his account is being misused just now, and whether he spends more than others do. Both
/// are sums over rows that come and go in any order.
/// </summary>
/// <remarks>
/// A row's evidence of an episode counts u·(2 − u) with u = 2^(−age / <see cref="EpisodeHalfLife"/>): in full at first, three quarters after one half-life, and
/// ever faster less. It is the difference of two sums that fade exponentially, which therefore add up (forward decay, see <see cref="Fading"/>).
/// </remarks>
internal struct UserState
{
    /// <summary>Bytes of the encoded state.</summary>
    public const int Size = 80;

    private const byte Version = 1;

    // A power below this is nothing beside a row of today.
    private const int MostOctaves = 1000;

    /// <summary>How long evidence of an episode lasts.</summary>
    public static readonly TimeSpan EpisodeHalfLife = TimeSpan.FromDays(5);

    /// <summary>Evidence of an episode that fades with the half-life.</summary>
    public PreciseSum Slow;

    /// <summary>The same evidence, fading twice as fast.</summary>
    public PreciseSum Fast;

    /// <summary>Sum of the rows' weights.</summary>
    public PreciseSum Weight;

    /// <summary>Weighted sum of log amounts above what their category expects of everybody.</summary>
    public PreciseSum Residuals;

    /// <summary>Rows seen.</summary>
    public int Rows;

    /// <summary>The latest time seen, as ticks. It stays when its row goes: it only says in what unit the evidence is kept.</summary>
    public long Latest;

    private readonly long Epoch => Latest / EpisodeHalfLife.Ticks;

    /// <summary>Returns the evidence of an episode, in log odds, at a time, or at the latest one seen if that is later.</summary>
    public readonly double Evidence(DateTime now)
    {
        long ticks = Math.Max(now.Ticks, Latest);
        return (2 * Slow.High / Fading.Weight(ticks, EpisodeHalfLife.Ticks, Epoch, MostOctaves))
            - (Fast.High / Fading.Weight(ticks, EpisodeHalfLife.Ticks / 2, 2 * Epoch, MostOctaves));
    }

    /// <summary>Adds what a row contributed.</summary>
    public void Apply(in Contribution row, DateTime occurredAt)
    {
        if (occurredAt.Ticks > Latest)
        {
            long before = Epoch;
            Latest = occurredAt.Ticks;
            int passed = (int)Math.Min(Epoch - before, MostOctaves);
            Slow = Slow.Scaled(-passed);
            Fast = Fast.Scaled(-2 * passed);
        }

        Add(row, occurredAt, 1);
    }

    /// <summary>Takes out what a row contributed.</summary>
    public void Remove(in Contribution row, DateTime occurredAt)
    {
        Add(row, occurredAt, -1);
        if (Rows == 0)
        {
            // Nothing is left, so neither is what rounding left.
            this = new UserState { Latest = Latest };
        }
    }

    /// <summary>Writes the state, little-endian.</summary>
    /// <param name="destination">At least <see cref="Size"/> bytes.</param>
    public readonly void Write(Span<byte> destination)
    {
        destination = destination[..Size];
        destination.Clear();
        destination[0] = Version;
        BinaryPrimitives.WriteInt32LittleEndian(destination[4..], Rows);
        BinaryPrimitives.WriteInt64LittleEndian(destination[8..], Latest);
        int at = Slow.Write(destination, 16);
        at = Fast.Write(destination, at);
        at = Weight.Write(destination, at);
        Residuals.Write(destination, at);
    }

    /// <summary>Reads what <see cref="Write"/> wrote; nothing at all is the state of a user who was never seen.</summary>
    /// <exception cref="FormatException">The bytes are not a state of a version that this program knows.</exception>
    public static UserState Read(ReadOnlySpan<byte> source)
    {
        if (source.IsEmpty)
        {
            return default;
        }

        EncodedBytes.Require(source, Version, Size, "A user's state");

        int at = 16;
        return new UserState
        {
            Rows = BinaryPrimitives.ReadInt32LittleEndian(source[4..]),
            Latest = BinaryPrimitives.ReadInt64LittleEndian(source[8..]),
            Slow = PreciseSum.Read(source, ref at),
            Fast = PreciseSum.Read(source, ref at),
            Weight = PreciseSum.Read(source, ref at),
            Residuals = PreciseSum.Read(source, ref at),
        };
    }

    private void Add(in Contribution row, DateTime occurredAt, int sign)
    {
        double evidence = sign * row.Episode;
        Slow = Slow.Plus(evidence * Fading.Weight(occurredAt.Ticks, EpisodeHalfLife.Ticks, Epoch, MostOctaves));
        Fast = Fast.Plus(evidence * Fading.Weight(occurredAt.Ticks, EpisodeHalfLife.Ticks / 2, 2 * Epoch, MostOctaves));
        double weight = sign * row.Weight * Fading.Weight(occurredAt);
        Weight = Weight.Plus(weight);
        Residuals = Residuals.Plus(weight * row.Residual);
        Rows += sign;
    }
}
