using FinanceIngest.Baselines;
using FinanceIngest.Cli.Running;
using FinanceIngest.Transactions;

namespace FinanceIngest.Cli.Baselines;

/// <summary>
/// Gathers what the reader of a format meets: valid rows, refused rows, duplicates. It takes at most
/// <see cref="BaselineFile.MaximumRows"/> of all of them together.
/// </summary>
internal sealed class BaselineCollector(string file)
{
    private readonly List<BaselineRow> _rows = [];
    private readonly List<RowPlace> _places = [];
    private readonly List<RefusedBaseline> _refused = [];
    private readonly List<DuplicateBaseline> _duplicates = [];
    private readonly Dictionary<BaselineKey, int> _positions = new(BaselineKeyComparer.Instance);

    /// <summary>Takes the fields as a row, or refuses them.</summary>
    /// <exception cref="BaselineFileException">There are too many rows.</exception>
    public void Add(RowPlace place, BaselineFields fields)
    {
        EnsureRoom(place);
        if (!BaselineValidator.TryValidate(fields, out BaselineRow? row, out ValidationErrors? errors))
        {
            _refused.Add(new RefusedBaseline(place.ToString(), errors));
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

    /// <summary>Refuses an entry whose shape alone is wrong.</summary>
    /// <exception cref="BaselineFileException">There are too many rows.</exception>
    public void Refuse(RowPlace place, string field, string message)
    {
        EnsureRoom(place);
        var errors = new ValidationErrors();
        errors.Add(field, message);
        _refused.Add(new RefusedBaseline(place.ToString(), errors));
    }

    /// <summary>All that was gathered.</summary>
    public BaselineFileContent ToContent() => new(_rows, _refused, _duplicates);

    private void EnsureRoom(RowPlace place)
    {
        if (_rows.Count + _refused.Count + _duplicates.Count >= BaselineFile.MaximumRows)
        {
            throw new BaselineFileException(file, place.ToString(), $"holds more than {Counted.Number(BaselineFile.MaximumRows)} baselines; split it");
        }
    }

    private void Replace(int position, RowPlace place, BaselineRow row)
    {
        _duplicates.Add(new DuplicateBaseline(row.Key, place.ToString(), _places[position].ToString()));
        _rows[position] = row;
        _places[position] = place;
    }
}

/// <summary>Spreads keys by a hash that is seeded anew in each process, so that no file can be made of keys that collide.</summary>
internal sealed class BaselineKeyComparer : IEqualityComparer<BaselineKey>
{
    public static readonly BaselineKeyComparer Instance = new();

    public bool Equals(BaselineKey x, BaselineKey y) => x == y;

    // long.GetHashCode folds the halves together, which would let colliding keys be written down by hand.
    public int GetHashCode(BaselineKey key) =>
        HashCode.Combine((int)key.UserId, (int)(key.UserId >> 32), (int)key.CategoryId, (int)(key.CategoryId >> 32));
}
