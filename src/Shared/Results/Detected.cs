using System.Buffers.Binary;
using System.Globalization;
using FinanceIngest.Detection;

namespace FinanceIngest.Results;

/// <summary>
/// What a detector that learns says of a transaction. It is kept with the row in one column, from which the words about it are made when the row is read, in
/// the language that is set then.
/// </summary>
internal sealed record Detected
{
    private const byte Version = 1;
    private const byte KnownFlag = 1;
    private const int HeadSize = 52;
    private const int FactorSize = 5;

    /// <summary>Name and version of the detector, such as <c>adaptive/1</c>.</summary>
    public required string Detector { get; init; }

    /// <summary>Whether anything at all was known of the category.</summary>
    public bool IsKnown { get; init; }

    /// <summary>How often this user's spending in this category is that high, 0 … 1.</summary>
    public double Surprise { get; init; }

    /// <summary>How often it is that low, 0 … 1.</summary>
    public double SurpriseBelow { get; init; }

    /// <summary>What is usual.</summary>
    public Usual Usual { get; init; }

    /// <summary>Rank of the transaction among all, in log odds.</summary>
    public double Odds { get; init; }

    /// <summary>Probability that the transaction is bad by its amount and what came before, 0 … 1: what verdicts are compared with.</summary>
    public double Suspicion { get; init; }

    /// <summary>Which things moved the score, the strongest first.</summary>
    public IReadOnlyList<Factor> Factors { get; init; } = [];

    /// <summary>The words in which it is told; null: none are set, and there is no sentence. It is not kept with the row.</summary>
    public Wording? Wording { get; init; }

    /// <summary>Returns the sentence for the person whose money it is; null where no words are set.</summary>
    /// <param name="categoryId">The transaction's category.</param>
    /// <param name="amount">The transaction's amount.</param>
    public string? Explain(long categoryId, double amount)
    {
        string category = categoryId.ToString(CultureInfo.InvariantCulture);
        return IsKnown ? Wording?.Explain(category, amount, Usual, Factors) : Wording?.NothingKnown(category);
    }

    /// <summary>Makes what is kept of a judgement.</summary>
    /// <param name="detector">Name and version of the detector.</param>
    /// <param name="judgement">The judgement.</param>
    /// <param name="amount">The transaction's amount.</param>
    public static Detected Of(string detector, in Judgement judgement, double amount) => new()
    {
        Detector = detector,
        IsKnown = judgement.IsKnown,
        Surprise = (float)judgement.Surprise,
        SurpriseBelow = (float)judgement.SurpriseBelow,
        Usual = judgement.Usual with
        {
            Low = ToMoney(judgement.Usual.Low), Typical = ToMoney(judgement.Usual.Typical), High = ToMoney(judgement.Usual.High),
        },
        Odds = (float)judgement.Odds,
        Suspicion = (float)judgement.Suspicion,
        Factors = Detection.Factors.Of(judgement, amount),
    };

    // Four decimals, as amounts have.
    private static double ToMoney(double amount) => Math.Round(amount, 4);

    /// <summary>Writes everything but the detector's name, little-endian.</summary>
    public byte[] ToBytes()
    {
        byte[] bytes = new byte[HeadSize + (FactorSize * Factors.Count)];
        bytes[0] = Version;
        bytes[1] = IsKnown ? KnownFlag : (byte)0;
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4), Usual.Count);
        ReadOnlySpan<double> amounts = [Usual.Low, Usual.Typical, Usual.High];
        int at = 8;
        foreach (double amount in amounts)
        {
            BinaryPrimitives.WriteDoubleLittleEndian(bytes.AsSpan(at), amount);
            at += sizeof(double);
        }

        ReadOnlySpan<double> numbers = [Surprise, SurpriseBelow, Odds, Suspicion];
        foreach (double number in numbers)
        {
            BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(at), (float)number);
            at += sizeof(float);
        }

        at = HeadSize;
        foreach (Factor factor in Factors)
        {
            bytes[at] = (byte)Detection.Factors.NumberOf(factor.Code);
            BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(at + 1), (float)factor.Value);
            at += FactorSize;
        }

        return bytes;
    }

    /// <summary>Reads what <see cref="ToBytes"/> wrote.</summary>
    /// <exception cref="FormatException">The bytes are of a version that this program does not know.</exception>
    public static Detected Read(string detector, ReadOnlySpan<byte> source)
    {
        if (source.Length < HeadSize || source[0] != Version || (source.Length - HeadSize) % FactorSize != 0)
        {
            throw new FormatException(FormattableString.Invariant(
                $"A row's judgement has {source.Length} bytes and version {(source.IsEmpty ? 0 : source[0])}; this program reads version {Version}."));
        }

        var factors = new Factor[(source.Length - HeadSize) / FactorSize];
        for (int i = 0; i < factors.Length; i++)
        {
            ReadOnlySpan<byte> factor = source.Slice(HeadSize + (FactorSize * i), FactorSize);
            factors[i] = new Factor(Detection.Factors.CodeOf(factor[0]), BinaryPrimitives.ReadSingleLittleEndian(factor[1..]));
        }

        return new Detected
        {
            Detector = detector,
            IsKnown = (source[1] & KnownFlag) != 0,
            Usual = new Usual(
                BinaryPrimitives.ReadDoubleLittleEndian(source[8..]), BinaryPrimitives.ReadDoubleLittleEndian(source[16..]),
                BinaryPrimitives.ReadDoubleLittleEndian(source[24..]), BinaryPrimitives.ReadInt32LittleEndian(source[4..])),
            Surprise = BinaryPrimitives.ReadSingleLittleEndian(source[32..]),
            SurpriseBelow = BinaryPrimitives.ReadSingleLittleEndian(source[36..]),
            Odds = BinaryPrimitives.ReadSingleLittleEndian(source[40..]),
            Suspicion = BinaryPrimitives.ReadSingleLittleEndian(source[44..]),
            Factors = factors,
        };
    }
}
