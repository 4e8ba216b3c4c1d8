using System.Text;
using FinanceIngest.Baselines;

namespace FinanceIngest.Cli.Baselines.Pickle;

/// <summary>
/// Computes the results of the few classes and functions whose values are read. No Python code runs: each of them is implemented here, all others give a
/// <see cref="PickleForeign"/>, and a pickle has no other way to make anything happen.
/// </summary>
internal sealed class PickleCalls(PickleInput input, PickleStack stack)
{
    /// <summary>Returns the result of a call.</summary>
    /// <exception cref="BaselineFileException">The value is nothing that could be called, or the pickle is damaged.</exception>
    public object? Call(object? callable, object?[] arguments) => callable switch
    {
        PickleGlobal.Dict or PickleGlobal.OrderedDict => MakeDict(arguments),
        PickleGlobal.DefaultDict => MakeDict(arguments.Length == 0 ? arguments : arguments[1..]),
        PickleGlobal.Int => MakeNumber(arguments, 0L, "int"),
        PickleGlobal.Float => MakeNumber(arguments, 0.0, "float"),
        PickleGlobal.Decimal => MakeDecimal(arguments),
        PickleForeign foreign => new PickleForeign(foreign.Name),
        PickleGlobal.NumpyDtype => MakeDtype(arguments is [string code, ..] ? code : ""),
        NumpyDtypeClass type when arguments.Length == 0 => MakeDtype(type.Code),
        PickleGlobal.NumpyScalar => MakeScalar(arguments),
        PickleGlobal.CodecsEncode => Encode(arguments),
        _ => throw input.Fail("the pickle calls something that can't be called; nothing was executed"),
    };

    /// <summary>Sets the state of a numpy type: a version, a byte order, and values that numbers don't use. Any other state is not looked at.</summary>
    /// <exception cref="BaselineFileException">The state of a numpy type is malformed.</exception>
    public void Build(object? built, object? state)
    {
        string? order = state is PickleTuple { Items: [long, string or byte[], ..] } tuple ? TextOf(tuple.Items[1]) : null;
        if (built is NumpyDtype type && (order is null || !type.SetByteOrder(order)))
        {
            throw input.Fail("the pickle is damaged: a numpy type has a malformed state");
        }
    }

    private object MakeDict(object?[] arguments)
    {
        var made = new PickleDict();
        switch (arguments)
        {
            case []:
                return made;
            case [PickleDict source]:
                stack.Spend(source.Count);
                CopyEntries(source, made);
                return made;
            case [PickleList source]:
                stack.Spend(source.Items.Count);
                CopyPairs(source, made);
                return made;
            default:
                return new PickleForeign("dict");
        }
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

    private static object MakeNumber(object?[] arguments, object nothing, string name) => arguments switch
    {
        [] => nothing,
        [long or ulong or double] => nothing is double ? ToDouble(arguments[0]!) : arguments[0]!,
        _ => new PickleForeign(name),
    };

    private static object MakeDecimal(object?[] arguments) =>
        arguments is [string text] && NumberText.ParseNumber(text, out double number) == NumberProblem.None ? number : new PickleForeign("decimal.Decimal");

    private static double ToDouble(object number) => number switch
    {
        long integer => integer,
        ulong integer => integer,
        _ => (double)number,
    };

    private static object MakeDtype(string code) => NumpyDtype.Find(code) ?? (object)new PickleForeign("numpy.dtype");

    private object MakeScalar(object?[] arguments)
    {
        if (arguments is [PickleForeign, ..])
        {
            return new PickleForeign("numpy.scalar");
        }

        byte[]? bytes = arguments is [NumpyDtype, byte[] or string] ? BytesOf(arguments[1]) : null;
        object? value = bytes is null ? null : ((NumpyDtype)arguments[0]!).Decode(bytes);
        return value ?? throw input.Fail("the pickle is damaged: a numpy number does not have its type and the bytes of that type");
    }

    // Protocols 0 to 2 have no bytes objects; a pickle then has Latin-1 text and a call that encodes it.
    private object Encode(object?[] arguments)
    {
        bool latin = arguments is [string, string] && (string)arguments[1]! is "latin1" or "latin-1" or "iso-8859-1";
        byte[]? bytes = latin ? BytesOf(arguments[0]) : null;
        stack.Spend((bytes?.Length ?? 0) / 8);
        return bytes ?? (object)new PickleForeign("_codecs.encode");
    }

    private static byte[]? BytesOf(object? value) => value switch
    {
        byte[] bytes => bytes,
        string text when !text.AsSpan().ContainsAnyExceptInRange('\0', '\u00ff') => Encoding.Latin1.GetBytes(text),
        _ => null,
    };

    private static string? TextOf(object? value) => value is byte[] bytes ? Encoding.Latin1.GetString(bytes) : value as string;
}
