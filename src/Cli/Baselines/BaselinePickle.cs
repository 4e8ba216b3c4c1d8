using FinanceIngest.Baselines;
using FinanceIngest.Cli.Baselines.Pickle;
using FinanceIngest.Cli.Running;
using FinanceIngest.Ground;
using FinanceIngest.Transactions;

namespace FinanceIngest.Cli.Baselines;

/// <summary>Reads baselines from a pickle of <c>{user_id: {category_id: {"mean", "std", "count"}}}</c>, without executing anything.</summary>
internal sealed class BaselinePickle(string file, BaselineCollector collector)
{
    // A value that a pickle shares is read each time it is used, so a few bytes can stand for very many entries.
    private const int MostEntries = 20_000_000;

    private int _entries;

    public void Read(byte[] bytes)
    {
        object? loaded = PickleReader.Load(Unpacked(bytes), file);
        if (loaded is not PickleDict users)
        {
            string found = loaded is PickleForeign foreign ? $", but holds {SafeText.Quote(foreign.Name)}; nothing was executed" : "";
            throw new BaselineFileException(file, null, $"must hold a dict of users{found}");
        }

        foreach ((object? user, object? categories) in Visit(users))
        {
            ReadUser(Key(user), categories);
        }
    }

    private byte[] Unpacked(byte[] bytes) => bytes switch
    {
        [] => throw new BaselineFileException(file, null, "is empty, so it has no baselines"),
        [0x1f, 0x8b, ..] or [0x78, 0x01 or 0x5e or 0x9c or 0xda, ..] =>
            throw new BaselineFileException(file, null, "is compressed; save it without compression, or unpack it first"),
        _ => bytes,
    };

    private void ReadUser(object user, object? categories)
    {
        var place = new RowPlace(0, user);
        var fields = new BaselineFields();
        SetInteger(fields, BaselineField.UserId, user);
        if (fields.UserId is null)
        {
            collector.Refuse(place, BaselineValidator.UserId, "must be an integer from 1 to 9223372036854775807");
        }
        else if (categories is not PickleDict dict)
        {
            collector.Refuse(place, ValidationErrors.Whole, "must be a dict of categories");
        }
        else
        {
            foreach ((object? category, object? statistics) in Visit(dict))
            {
                ReadCategory(place with { Second = Key(category) }, statistics);
            }
        }
    }

    private void ReadCategory(RowPlace place, object? statistics)
    {
        if (statistics is not PickleDict dict)
        {
            collector.Refuse(place, ValidationErrors.Whole, "must be a dict with mean, std and count");
            return;
        }

        var fields = new BaselineFields();
        fields.Meet(BaselineField.UserId);
        SetInteger(fields, BaselineField.UserId, place.First);
        fields.Meet(BaselineField.CategoryId);
        SetInteger(fields, BaselineField.CategoryId, place.Second);
        foreach ((object? name, object? value) in Visit(dict))
        {
            ReadField(fields, name is string text ? BaselineFieldNames.Recognise(text) : BaselineField.None, value);
        }

        collector.Add(place, fields);
    }

    private static void ReadField(BaselineFields fields, BaselineField field, object? value)
    {
        if (field == BaselineField.None || !fields.Meet(field) || value is null)
        {
            // The field is unknown, is given twice (which Meet has recorded), or is None, which counts as absent.
            return;
        }

        if (BaselineFieldNames.IsInteger(field))
        {
            SetInteger(fields, field, value is string ? null : value);
        }
        else
        {
            double? number = value switch { double d => d, long l => l, ulong u => u, _ => null };
            fields.SetParsed(field, number is null ? NumberProblem.NotANumber : NumberProblem.None, number ?? 0);
        }
    }

    private static void SetInteger(BaselineFields fields, BaselineField field, object? value)
    {
        long integer = 0;
        NumberProblem problem = value switch
        {
            PickleForeign { IsHugeInteger: true } => NumberProblem.OutOfRange,
            long or ulong => value is ulong ? NumberProblem.OutOfRange : NumberProblem.None,
            double number => NumberText.ToInteger(number, out integer),
            string text => NumberText.ParseInteger(text, out integer),
            _ => NumberProblem.NotAnInteger,
        };
        fields.SetParsed(field, problem, value is long exact ? exact : integer);
    }

    private static object Key(object? key) => key ?? RowPlace.NoneKey;

    private IReadOnlyList<KeyValuePair<object?, object?>> Visit(PickleDict dict)
    {
        _entries += dict.Count;
        return _entries <= MostEntries ? dict.Entries
            : throw new BaselineFileException(file, null, $"has more than {Counted.Number(MostEntries)} entries; it is too large, or made to do harm");
    }
}
