using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using FinanceIngest.Baselines;
using FinanceIngest.Cli.Files;
using FinanceIngest.Transactions;

namespace FinanceIngest.Cli.Baselines;

/// <summary>Reads baselines from JSON: nested by user and category, or an array of objects.</summary>
internal ref struct BaselineJson
{
    private readonly ReadOnlySpan<byte> _json;
    private readonly string _file;
    private readonly BaselineCollector _collector;
    private Utf8JsonReader _reader;
    private long _line;
    private int _counted;

    private BaselineJson(ReadOnlySpan<byte> json, string file, BaselineCollector collector)
    {
        _json = json;
        _file = file;
        _collector = collector;
        _reader = new Utf8JsonReader(json);
        _line = 1;
    }

    /// <summary>Reads a whole file.</summary>
    /// <exception cref="BaselineFileException">The file is not JSON, or is neither an object nor an array.</exception>
    public static void Read(byte[] bytes, string file, BaselineCollector collector)
    {
        Span<byte> json = ToUtf8(bytes, file);
        PythonJson.MaskNonFinite(json);
        var document = new BaselineJson(json, file, collector);
        try
        {
            document.ReadDocument();
        }
        catch (JsonException cause)
        {
            throw new BaselineFileException(file, document.PlaceOf(cause).ToString(), "is not JSON, or is cut short", cause);
        }
    }

    private static Span<byte> ToUtf8(byte[] bytes, string file)
    {
        using var text = new MemoryStream(bytes.Length);
        TextSource.Open(new MemoryStream(bytes), "no baselines").CopyTo(text);
        return Utf8.IsValid(text.GetBuffer().AsSpan(0, (int)text.Length))
            ? text.GetBuffer().AsSpan(0, (int)text.Length)
            : throw new BaselineFileException(file, null, "is not UTF-8 text: save the file as UTF-8");
    }

    private void ReadDocument()
    {
        _reader.Read();
        switch (_reader.TokenType)
        {
            case JsonTokenType.StartObject:
                ReadUsers();
                break;
            case JsonTokenType.StartArray:
                ReadArray();
                break;
            default:
                throw new BaselineFileException(_file, Here().ToString(), "must be an object of users, or an array of baselines");
        }

        // Throws when anything but white space follows.
        _reader.Read();
    }

    private void ReadArray()
    {
        for (int index = 0; _reader.Read() && _reader.TokenType != JsonTokenType.EndArray; index++)
        {
            RowPlace place = Here() with { First = index };
            if (_reader.TokenType == JsonTokenType.StartObject)
            {
                _collector.Add(place, BaselineJsonFields.Read(ref _reader));
            }
            else
            {
                Refuse(place, ValidationErrors.Whole, "must be an object");
            }
        }
    }

    private void ReadUsers()
    {
        while (_reader.Read() && _reader.TokenType == JsonTokenType.PropertyName)
        {
            string user = KeyText();
            RowPlace place = Here() with { First = user };
            _reader.Read();
            var fields = new BaselineFields();
            fields.SetText(BaselineField.UserId, user);
            if (fields.UserId is null)
            {
                Refuse(place, BaselineValidator.UserId, "must be an integer from 1 to 9223372036854775807");
            }
            else if (_reader.TokenType != JsonTokenType.StartObject)
            {
                Refuse(place, ValidationErrors.Whole, "must be an object of categories");
            }
            else
            {
                ReadCategories(user);
            }
        }
    }

    private void ReadCategories(string user)
    {
        while (_reader.Read() && _reader.TokenType == JsonTokenType.PropertyName)
        {
            string category = KeyText();
            RowPlace place = Here() with { First = user, Second = category };
            _reader.Read();
            if (_reader.TokenType != JsonTokenType.StartObject)
            {
                Refuse(place, ValidationErrors.Whole, "must be an object with mean, std and count");
                continue;
            }

            var fields = new BaselineFields();
            SetKey(fields, BaselineField.UserId, user);
            SetKey(fields, BaselineField.CategoryId, category);
            BaselineJsonFields.ReadInto(fields, ref _reader);
            _collector.Add(place, fields);
        }
    }

    // Meet makes a user_id or category_id inside the object an error: the key in the path already gives it.
    private static void SetKey(BaselineFields fields, BaselineField field, string key)
    {
        fields.Meet(field);
        fields.SetText(field, key);
    }

    private void Refuse(RowPlace place, string field, string message)
    {
        _collector.Refuse(place, field, message);
        _reader.Skip();
    }

    private readonly string KeyText()
    {
        try
        {
            return _reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            // The key contains half a surrogate pair, written as an escape.
            return Encoding.UTF8.GetString(_reader.ValueSpan);
        }
    }

    private RowPlace Here() => At((int)_reader.TokenStartIndex);

    private RowPlace PlaceOf(JsonException error)
    {
        // The reader counts lines from 0.
        return error.LineNumber is long line ? new RowPlace(line + 1) : At((int)_reader.BytesConsumed);
    }

    private RowPlace At(int offset)
    {
        if (offset > _counted)
        {
            _line += _json[_counted..offset].Count((byte)'\n');
            _counted = offset;
        }

        return new RowPlace(_line);
    }
}
