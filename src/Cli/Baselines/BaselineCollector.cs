using FinanceIngest.Baselines;
using FinanceIngest.Cli.Running;
using FinanceIngest.Transactions;

namespace FinanceIngest.Cli.Baselines;

/// <summary>
/// Collects the valid rows, refused entries and duplicates that the reader of a format finds, at most <see cref="BaselineFile.MaximumRows"/> in total. Of the
/// refused entries and the duplicates, the first <see cref="MaximumKept"/> are kept; the others are counted.
/// </summary>
internal sealed class BaselineCollector(string file)
{
    /// <summary>The number of refused entries, and of duplicates, that are kept with their places.</summary>
    public const int MaximumKept = 10_000;

    private readonly List<BaselineRow> _rows = [];
    private readonly List<RowPlace> _places = [];
    private readonly List<RefusedBaseline> _refused = [];
    private readonly List<DuplicateBaseline> _duplicates = [];
    private readonly Dictionary<BaselineKey, int> _positions = new(BaselineKeyComparer.Instance);
    private int _refusedCount;
    private int _duplicateCount;

    /// <summary>Validates the fields, and adds a row or a refusal.</summary>
    /// <exception cref="BaselineFileException">There are too many rows.</exception>
    public void Add(RowPlace place, BaselineFields fields)
    {
        EnsureRoom(place);
        if (!BaselineValidator.TryValidate(fields, out BaselineRow? row, out ValidationErrors? errors))
        {
            AddRefused(place, errors);
        }
        else if (_positions.TryAdd(row.Key, _rows.Count))
        {
            _rows.Add(row);
            _places.Add(place);
        }
        else
        {
            Replace(_positions[row.Key], place, row);
        }
    }

    /// <summary>Adds a refusal of an entry that has no fields to validate.</summary>
    /// <exception cref="BaselineFileException">There are too many rows.</exception>
    public void Refuse(RowPlace place, string field, string message)
    {
        EnsureRoom(place);
        var errors = new ValidationErrors();
        errors.Add(field, message);
        AddRefused(place, errors);
    }

    /// <summary>Returns everything that was collected.</summary>
    public BaselineFileContent ToContent() => new(_rows, _refused, _duplicates) { RefusedCount = _refusedCount, DuplicateCount = _duplicateCount };

    private void AddRefused(RowPlace place, ValidationErrors errors)
    {
        if (_refusedCount++ < MaximumKept)
        {
            _refused.Add(new RefusedBaseline(place.ToString(), errors));
        }
    }

    private void EnsureRoom(RowPlace place)
    {
        if (_rows.Count + _refusedCount + _duplicateCount >= BaselineFile.MaximumRows)
        {
            throw new BaselineFileException(file, place.ToString(), $"holds more than {Counted.Number(BaselineFile.MaximumRows)} baselines; split it");
        }
    }

    private void Replace(int position, RowPlace place, BaselineRow row)
    {
        if (_duplicateCount++ < MaximumKept)
        {
            _duplicates.Add(new DuplicateBaseline(row.Key, place.ToString(), _places[position].ToString()));
        }

        _rows[position] = row;
        _places[position] = place;
    }
}

/// <summary>Compares keys by a hash with a random seed in each process, so that no file can be made of colliding keys.</summary>
internal sealed class BaselineKeyComparer : IEqualityComparer<BaselineKey>
{
    public static readonly BaselineKeyComparer Instance = new();

    public bool Equals(BaselineKey x, BaselineKey y) => x == y;

    // long.GetHashCode only combines the two halves by XOR, so colliding keys could be made by hand.
    public int GetHashCode(BaselineKey key) =>
        HashCode.Combine((int)key.UserId, (int)(key.UserId >> 32), (int)key.CategoryId, (int)(key.CategoryId >> 32));
}
