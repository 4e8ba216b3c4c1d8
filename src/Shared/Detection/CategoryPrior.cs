using System.Buffers.Binary;

namespace FinanceIngest.Detection;

/// <summary>A category, refunds (amounts below zero) apart from payments.</summary>
internal readonly record struct CategoryKey(long CategoryId, bool IsRefund);

/// <summary>
/// What is known of a category over all users: what a user's amounts are expected to be before he has any. It is renewed from the states of all users
/// (<see cref="PriorRenewal"/>) and immutable; each result says by which version it was scored.
/// </summary>
internal sealed class CategoryPrior
{
    /// <summary>Offsets: seven weekdays from Sunday on, then twelve months.</summary>
    public const int Seasons = 19;

    /// <summary>Index of January among the offsets.</summary>
    public const int FirstMonth = 7;

    /// <summary>Bytes of the encoded prior.</summary>
    public const int Size = CalibrationAt + SurpriseCalibration.Size;

    private const int TailAt = 16 + (8 * (9 + Seasons));
    private const int CalibrationAt = TailAt + (4 * AmountTail.Bins);

    private const byte EncodingVersion = 1;

    private readonly double[] _season;

    /// <summary>Makes a prior.</summary>
    /// <param name="figures">What the prior says.</param>
    /// <param name="season">Offsets, <see cref="Seasons"/> of them; none: no season.</param>
    /// <param name="tail">How rare amounts are for anybody; null: log amounts are normal.</param>
    /// <param name="calibration">What a surprise is worth; null: what it says.</param>
    public CategoryPrior(in Figures figures, ReadOnlySpan<double> season = default, AmountTail? tail = null, SurpriseCalibration? calibration = null)
    {
        Calibration = calibration ?? SurpriseCalibration.AsPromised;
        Tail = tail ?? AmountTail.OfNormal;
        Known = figures;
        _season = season.IsEmpty ? new double[Seasons] : season.ToArray();
        LevelDeviation = Math.Sqrt(Math.Min(figures.LevelVariance, 4));
        PlainWeight = SpecialFunctions.Logistic(figures.Evidence);
        PlainLevelVariance = Math.Max(Math.Exp(Math.Min(figures.LevelVariance, 4)) - 1, 1e-9);
        LogPlainWeight = Math.Log(PlainWeight);
        LogOtherWeight = Math.Log(1 - PlainWeight);
        LogEverybodyDeviation = Math.Log(figures.EverybodyDeviation);
    }

    /// <summary>What a prior says.</summary>
    /// <param name="Version">Number of the renewal that made it; 0: none has.</param>
    /// <param name="Users">Users whose states went into it; 0: nothing is known of the category, and everything comes from all categories.</param>
    /// <param name="Level">Mean of the users' mean log amounts.</param>
    /// <param name="LevelVariance">Variance of these means.</param>
    /// <param name="PlainSpread">Typical variance of one user's amounts, relative to the square of their mean.</param>
    /// <param name="PlainStrength">How many rows that variance is worth.</param>
    /// <param name="LogSpread">Typical variance of one user's log amounts.</param>
    /// <param name="LogStrength">How many rows that variance is worth.</param>
    /// <param name="Evidence">Log odds that amounts are spread evenly about their mean rather than about its logarithm.</param>
    /// <param name="Everybody">Mean of everybody's log amounts, row by row.</param>
    /// <param name="EverybodyDeviation">Their deviation.</param>
    public readonly record struct Figures(
        int Version, int Users, double Level, double LevelVariance, double PlainSpread, double PlainStrength, double LogSpread, double LogStrength,
        double Evidence,
        double Everybody, double EverybodyDeviation);

    /// <summary>
    /// What holds before anything is known of anybody. The level stands for no currency: its variance says that it may be anywhere.
    /// </summary>
    public static CategoryPrior Unknown { get; } = new(new Figures(0, 0, 4, 1.69, 0.49, 4, 0.64, 4, 0, 4, 1.5));

    /// <summary>What the prior says.</summary>
    public Figures Known { get; }

    /// <summary>How rare an amount is for anybody.</summary>
    public AmountTail Tail { get; }

    /// <summary>What a surprise is worth.</summary>
    public SurpriseCalibration Calibration { get; }

    /// <summary>Deviation of the level, at most 2.</summary>
    public double LevelDeviation { get; }

    /// <summary>Variance of the level in amounts, relative to the square of its mean.</summary>
    public double PlainLevelVariance { get; }

    /// <summary>Probability that amounts are spread evenly about their mean rather than about its logarithm.</summary>
    public double PlainWeight { get; }

    /// <summary>Logarithm of <see cref="PlainWeight"/>.</summary>
    public double LogPlainWeight { get; }

    /// <summary>Logarithm of 1 − <see cref="PlainWeight"/>.</summary>
    public double LogOtherWeight { get; }

    /// <summary>Logarithm of <see cref="Figures.EverybodyDeviation"/>.</summary>
    public double LogEverybodyDeviation { get; }

    /// <summary>Returns by how much log amounts of a time's weekday and month (UTC) exceed those of others.</summary>
    public double OffsetOf(DateTime time) => _season[(int)time.DayOfWeek] + _season[FirstMonth + time.Month - 1];

    /// <summary>Writes the prior, little-endian.</summary>
    /// <param name="destination">At least <see cref="Size"/> bytes.</param>
    public void Write(Span<byte> destination)
    {
        destination = destination[..Size];
        destination.Clear();
        destination[0] = EncodingVersion;
        BinaryPrimitives.WriteInt32LittleEndian(destination[4..], Known.Version);
        BinaryPrimitives.WriteInt32LittleEndian(destination[8..], Known.Users);
        ReadOnlySpan<double> figures =
        [
            Known.Level, Known.LevelVariance, Known.PlainSpread, Known.PlainStrength, Known.LogSpread, Known.LogStrength, Known.Evidence,
            Known.Everybody, Known.EverybodyDeviation, .. _season,
        ];
        for (int i = 0; i < figures.Length; i++)
        {
            BinaryPrimitives.WriteDoubleLittleEndian(destination[(16 + (8 * i))..], figures[i]);
        }

        Tail.Write(destination[TailAt..]);
        Calibration.Write(destination[CalibrationAt..]);
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <exception cref="FormatException">The bytes are not a prior of a version that this program knows.</exception>
    public static CategoryPrior Read(ReadOnlySpan<byte> source)
    {
        EncodedBytes.Require(source, EncodingVersion, Size, "A category's prior");

        Span<double> figures = stackalloc double[9 + Seasons];
        for (int i = 0; i < figures.Length; i++)
        {
            figures[i] = BinaryPrimitives.ReadDoubleLittleEndian(source[(16 + (8 * i))..]);
        }

        return new CategoryPrior(
            new Figures(
                BinaryPrimitives.ReadInt32LittleEndian(source[4..]), BinaryPrimitives.ReadInt32LittleEndian(source[8..]),
                figures[0], figures[1], figures[2], figures[3], figures[4], figures[5], figures[6], figures[7], figures[8]),
            figures[9..],
            AmountTail.Read(source[TailAt..]),
            SurpriseCalibration.Read(source[CalibrationAt..]));
    }
}
