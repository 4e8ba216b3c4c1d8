using System.Globalization;
using FinanceIngest.Detection;

namespace FinanceIngest.Learning;

/// <summary>
/// What the states of one user have to be: the carried sums plus what the present rows contribute. Guarantee 8 says that they are, to a relative 1e-9.
/// </summary>
internal sealed class StateSum
{
    private const double Tolerance = 1e-9;

    // Sums that may cancel to nothing are compared with what was added up: weights are about one a row.
    private const double LeastPart = 1e-12;

    private readonly Dictionary<CategoryKey, KeyState> _keys = [];
    private readonly Dictionary<CategoryKey, KeyState> _carried = [];
    private UserState _user;

    /// <summary>Begins with the carried sums.</summary>
    public StateSum(KnownUser user, IEnumerable<KnownKey> keys)
    {
        UserId = user.UserId;
        _user = user.Carried ?? default;
        foreach (KnownKey key in keys)
        {
            if (key.Carried is { } carried)
            {
                _keys[key.Key.Category] = carried;
                _carried[key.Key.Category] = carried;
            }
        }
    }

    /// <summary>The user.</summary>
    public long UserId { get; }

    /// <summary>What the user's own state has to be.</summary>
    public UserState User => _user;

    /// <summary>What the states of the user's categories have to be.</summary>
    public IReadOnlyDictionary<CategoryKey, KeyState> Keys => _keys;

    /// <summary>Adds what a row contributes.</summary>
    public void Add(in ContributingRow row)
    {
        KeyState state = _keys.GetValueOrDefault(row.Key.Category);
        state.Apply(row.Contribution, row.OccurredAt);
        _keys[row.Key.Category] = state;
        _user.Apply(row.Contribution, row.OccurredAt);
    }

    /// <summary>Returns how the stored states differ, each as a line; none: they don't.</summary>
    public IReadOnlyList<string> Differences(KnownUser user, IEnumerable<KnownKey> keys)
    {
        List<string> differences = [];
        Compare(differences, "user", user.State);
        Dictionary<CategoryKey, KeyState> stored = keys.ToDictionary(static key => key.Key.Category, static key => key.State);
        foreach (CategoryKey category in stored.Keys.Union(_keys.Keys))
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"category {category.CategoryId}{(category.IsRefund ? " (refunds)" : "")}");
            Compare(differences, name, stored.GetValueOrDefault(category), _keys.GetValueOrDefault(category));
        }

        return differences;
    }

    /// <summary>Returns the states as they have to be, to be written in the place of those that are stored.</summary>
    public UserChange ToChange(KnownUser stored) => new(
        UserId, stored.Version, StateBook.NextVersion(), _user, stored.Carried,
        [
            .. _keys.OrderBy(static pair => (pair.Key.CategoryId, pair.Key.IsRefund)).Select(pair => new KeyChange(
                pair.Key, pair.Value, _carried.TryGetValue(pair.Key, out KeyState carried) ? carried : null, IsNew: true)),
        ]);

    private void Compare(List<string> differences, string name, in UserState stored)
    {
        UserState expected = _user;
        if (stored.Rows != expected.Rows)
        {
            differences.Add(string.Create(CultureInfo.InvariantCulture, $"{name}: {stored.Rows} rows, and there are {expected.Rows}"));
        }

        // The unit of the evidence is that of the latest time seen, which stays when its row goes.
        DateTime latest = new(Math.Max(stored.Latest, expected.Latest), DateTimeKind.Utc);
        Compare(differences, $"{name}: evidence of an episode", stored.Evidence(latest), expected.Evidence(latest), 1e-6);
        Compare(differences, $"{name}: weight", stored.Weight.High, expected.Weight.High, 0);
        Compare(differences, $"{name}: residuals", stored.Residuals.High, expected.Residuals.High, expected.Weight.High);
    }

    private static void Compare(List<string> differences, string name, in KeyState stored, in KeyState expected)
    {
        if (stored.Rows != expected.Rows || stored.Repeats != expected.Repeats)
        {
            differences.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"{name}: {stored.Rows} rows and {stored.Repeats} repeats, and there are {expected.Rows} and {expected.Repeats}"));
        }

        double weight = expected.Weight.High;
        Compare(differences, $"{name}: weight", stored.Weight.High, weight, 0);
        Compare(differences, $"{name}: amounts", stored.Amounts.High, expected.Amounts.High, 0);
        Compare(differences, $"{name}: squared amounts", stored.AmountSquares.High, expected.AmountSquares.High, 0);
        Compare(differences, $"{name}: log amounts", stored.Logs.High, expected.Logs.High, weight);
        Compare(differences, $"{name}: squared log amounts", stored.LogSquares.High, expected.LogSquares.High, weight);
        Compare(differences, $"{name}: evidence", stored.Evidence.High, expected.Evidence.High, weight);
        for (int i = 0; i < RememberedAmounts.Length; i++)
        {
            RememberedAmount kept = stored.Remembered[i];
            RememberedAmount wanted = expected.Remembered[i];

            // A generation stays when its last row goes, and earlier ones don't come back.
            bool hasEnded = kept.Count == 0 && kept.Generation >= wanted.Generation;
            if (!hasEnded && (kept.Count != wanted.Count || kept.DaySum != wanted.DaySum || kept.Generation != wanted.Generation))
            {
                differences.Add(string.Create(
                    CultureInfo.InvariantCulture, $"{name}: remembered amount {i + 1} has {kept.Count} rows, and there are {wanted.Count}"));
            }
        }
    }

    private static void Compare(List<string> differences, string name, double stored, double expected, double scale)
    {
        double most = (Tolerance * Math.Max(Math.Abs(stored), Math.Abs(expected))) + (LeastPart * Math.Abs(scale));
        if (!(Math.Abs(stored - expected) <= most))
        {
            differences.Add(string.Create(CultureInfo.InvariantCulture, $"{name}: {stored:R} is stored, and the rows add up to {expected:R}"));
        }
    }
}
