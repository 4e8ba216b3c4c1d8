using System.Text;
using FinanceIngest.Ground;

namespace FinanceIngest.Cli.Baselines.Pickle;

/// <summary>
/// Computes the results of the few classes and functions that a pickle may call. No Python code runs: each of them is implemented here, and a pickle has no
/// other way to make anything happen.
/// </summary>
internal sealed class PickleCalls(PickleInput input, PickleStack stack)
{
    /// <summary>Returns the result of a call.</summary>
    /// <exception cref="BaselineFileException">The global can't be called, or not with these arguments.</exception>
    public object? Call(object? callable, object?[] arguments) => callable switch
    {
        PickleGlobal.Dict or PickleGlobal.OrderedDict => MakeDict(arguments),
        PickleGlobal.DefaultDict => MakeDefaultDict(arguments),
        PickleGlobal.Int => MakeNumber(arguments, 0L),
        PickleGlobal.Float => MakeNumber(arguments, 0.0),
        PickleGlobal.NumpyDtype => MakeDtype(arguments is [string code, ..] ? code : ""),
        NumpyDtypeClass type when arguments.Length == 0 => MakeDtype(type.Code),
        PickleGlobal.NumpyScalar => MakeScalar(arguments),
        PickleGlobal.CodecsEncode => Encode(arguments),
        _ => throw input.Fail("the pickle calls something that can't be called; nothing was executed"),
    };

    /// <summary>Sets the state of a numpy type: a version, a byte order, and values that numbers don't use.</summary>
    /// <exception cref="BaselineFileException">The object is not a numpy type, or the state is malformed.</exception>
    public void Build(object? built, object? state)
    {
        string? order = state is PickleTuple { Items: [long, string or byte[], ..] } tuple ? TextOf(tuple.Items[1]) : null;
        if (built is not NumpyDtype type || order is null || !type.SetByteOrder(order))
        {
            throw input.Fail("the pickle sets the state of an object that is not a plain dict or number; nothing was executed");
        }
    }

    private PickleDict MakeDefaultDict(object?[] arguments)
    {
        bool plainFactory = arguments is [] or [null or PickleGlobal or NumpyDtypeClass, ..];
        return plainFactory ? MakeDict(arguments.Length == 0 ? arguments : arguments[1..])
            : throw input.Fail("a defaultdict has a factory that is not a plain class; nothing was executed");
    }

    private PickleDict MakeDict(object?[] arguments)
    {
        var made = new PickleDict();
        switch (arguments)
        {
            case []:
                break;
            case [PickleDict source]:
                stack.Spend(source.Count);
                CopyEntries(source, made);
                break;
            case [PickleList source]:
                stack.Spend(source.Items.Count);
                CopyPairs(source, made);
                break;
            default:
                throw input.Fail("a dict is made of something that is neither a dict nor a list of pairs");
        }

        return made;
    }

    private static void CopyEntries(PickleDict source, PickleDict made)
    {
        foreach ((object? key, object? value) in source.Entries)
        {
            made.Set(key, value);
        }
    }

    private void CopyPairs(PickleList source, PickleDict made)
    {
        foreach (object? item in source.Items)
        {
            IReadOnlyList<object?> pair = item switch
            {
                PickleTuple tuple => tuple.Items,
                PickleList list => list.Items,
                _ => [],
            };
            if (pair.Count != 2)
            {
                throw input.Fail("a dict is made of a list that holds something other than pairs");
            }

            made.Set(pair[0], pair[1]);
        }
    }

    private object MakeNumber(object?[] arguments, object nothing) => arguments switch
    {
        [] => nothing,
        [long or ulong or double] => nothing is double ? ToDouble(arguments[0]!) : arguments[0]!,
        _ => throw input.Fail("a number is made of something that is not a number"),
    };

    private static double ToDouble(object number) => number switch
    {
        long integer => integer,
        ulong integer => integer,
        _ => (double)number,
    };

    private NumpyDtype MakeDtype(string code) => NumpyDtype.Find(code)
        ?? throw input.Fail($"holds a numpy value of type {SafeText.Quote(code)}, which is not a number of at most 64 bits");

    private object MakeScalar(object?[] arguments)
    {
        byte[]? bytes = arguments is [NumpyDtype, byte[] or string] ? BytesOf(arguments[1]) : null;
        object? value = bytes is null ? null : ((NumpyDtype)arguments[0]!).Decode(bytes);
        return value ?? throw input.Fail("the pickle is damaged: a numpy number does not have its type and the bytes of that type");
    }

    // Protocols 0 to 2 have no bytes objects; a pickle then has Latin-1 text and a call that encodes it.
    private byte[] Encode(object?[] arguments)
    {
        bool latin = arguments is [string, string] && (string)arguments[1]! is "latin1" or "latin-1" or "iso-8859-1";
        byte[]? bytes = latin ? BytesOf(arguments[0]) : null;
        stack.Spend((bytes?.Length ?? 0) / 8);
        return bytes ?? throw input.Fail("the pickle encodes something other than bytes written as Latin-1");
    }

    private static byte[]? BytesOf(object? value) => value switch
    {
        byte[] bytes => bytes,
        string text when !text.AsSpan().ContainsAnyExceptInRange('\0', '\u00ff') => Encoding.Latin1.GetBytes(text),
        _ => null,
    };

    private static string? TextOf(object? value) => value is byte[] bytes ? Encoding.Latin1.GetString(bytes) : value as string;
}
