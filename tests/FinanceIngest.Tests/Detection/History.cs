using FinanceIngest.Detection;

namespace FinanceIngest.Tests.Detection;

/// <summary>Rows that the adaptive detector scored one after another for one user and category, each with what it contributed.</summary>
internal sealed class History
{
    public static readonly DateTime Start = new(2026, 1, 1, 12, 0, 0, DateTimeKind.Utc);

    private readonly AdaptiveDetector _detector = new(AdaptiveSettings.Default);

    public KeyState Key;
    public UserState User;

    public CategoryPrior Prior { get; init; } = CategoryPrior.Unknown;

    public List<(Contribution Contribution, DateTime At)> Rows { get; } = [];

    /// <summary>Scores an amount without learning from it.</summary>
    public Judgement Score(double amount, DateTime at) => _detector.Score(new Sighting(amount, at), Key, User, Prior);

    /// <summary>Scores an amount and learns from it, through the bytes that a store keeps.</summary>
    public Judgement Next(double amount, DateTime at)
    {
        Judgement judgement = Score(amount, at);
        Span<byte> bytes = stackalloc byte[Contribution.Size];
        judgement.Contribution.Write(bytes);
        var contribution = Contribution.Read(bytes);
        Rows.Add((contribution, at));
        Key.Apply(contribution, at);
        User.Apply(contribution, at);
        return judgement;
    }

    /// <summary>Scores many ordinary amounts, some unusual ones, some repeated ones and some late rows.</summary>
    public History Fill(int rows, int seed)
    {
        var random = new Random(seed);
        for (int i = 0; i < rows; i++)
        {
            double normal = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
            double amount = random.Next(20) switch { 0 => 900, 1 => 12_345.67, 2 => Math.Exp(4 + (3 * normal)), _ => Math.Exp(4 + (0.5 * normal)) };
            Next(amount, Start.AddHours((i * 7) - (random.Next(10) == 0 ? random.Next(500) : 0)));
        }

        return this;
    }

    /// <summary>Returns the states that are the sum of these rows, in this order.</summary>
    public static (KeyState Key, UserState User) Sum(IEnumerable<(Contribution Contribution, DateTime At)> rows)
    {
        KeyState key = default;
        UserState user = default;
        foreach ((Contribution contribution, DateTime at) in rows)
        {
            key.Apply(contribution, at);
            user.Apply(contribution, at);
        }

        return (key, user);
    }

    /// <summary>Asserts that two states agree to a relative 1e-9; what a user's evidence sums to is compared at the time of the latest row.</summary>
    public static void AssertAlike((KeyState Key, UserState User) expected, (KeyState Key, UserState User) actual)
    {
        AssertClose(expected.Key.Weight, actual.Key.Weight);
        AssertClose(expected.Key.Amounts, actual.Key.Amounts);
        AssertClose(expected.Key.AmountSquares, actual.Key.AmountSquares);
        AssertClose(expected.Key.Logs, actual.Key.Logs);
        AssertClose(expected.Key.LogSquares, actual.Key.LogSquares);
        AssertClose(expected.Key.Evidence, actual.Key.Evidence);
        AssertClose(expected.User.Weight, actual.User.Weight);
        AssertClose(expected.User.Residuals, actual.User.Residuals);
        Assert.Equal(expected.Key.Rows, actual.Key.Rows);
        Assert.Equal(expected.Key.Repeats, actual.Key.Repeats);
        Assert.Equal(expected.User.Rows, actual.User.Rows);
        DateTime latest = new(Math.Max(expected.User.Latest, actual.User.Latest), DateTimeKind.Utc);
        Assert.Equal(expected.User.Evidence(latest), actual.User.Evidence(latest), 1e-9);
        for (int i = 0; i < RememberedAmounts.Length; i++)
        {
            RememberedAmount one = expected.Key.Remembered[i], other = actual.Key.Remembered[i];
            if (one.Generation == other.Generation)
            {
                Assert.Equal((one.Log, one.Count, one.FirstDay, one.DaySum), (other.Log, other.Count, other.FirstDay, other.DaySum));
            }
            else
            {
                // A place whose latest amount is gone is empty; of earlier amounts in it nothing is known any more.
                Assert.Equal(0, other.Generation > one.Generation ? other.Count : one.Count);
            }
        }
    }

    private static void AssertClose(PreciseSum expected, PreciseSum actual) =>
        Assert.True(
            Math.Abs(expected.High - actual.High) <= 1e-9 * Math.Max(Math.Abs(expected.High), Math.Abs(actual.High)), $"{actual} is not {expected}.");
}
