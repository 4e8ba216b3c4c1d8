using System.Diagnostics.CodeAnalysis;

namespace FinanceIngest.Cli.Baselines.Pickle;

// The values of a pickle besides null for None, bool, long, ulong (only above 2^63−1), double, string and byte[].

/// <summary>A dict of any class, as its entries in the order in which they were set. A key that was set twice has two entries.</summary>
internal sealed class PickleDict
{
    private List<KeyValuePair<object?, object?>>? _entries;

    public int Count => _entries?.Count ?? 0;

    public IReadOnlyList<KeyValuePair<object?, object?>> Entries => _entries ?? (IReadOnlyList<KeyValuePair<object?, object?>>)[];

    public void Set(object? key, object? value) => (_entries ??= []).Add(new KeyValuePair<object?, object?>(key, value));
}

/// <summary>A list or a set.</summary>
internal sealed class PickleList
{
    private List<object?>? _items;

    public IReadOnlyList<object?> Items => _items ?? (IReadOnlyList<object?>)[];

    public void AddRange(ReadOnlySpan<object?> items) => (_items ??= []).AddRange(items);
}

/// <summary>A tuple.</summary>
internal sealed class PickleTuple(object?[] items)
{
    public object?[] Items { get; } = items;
}

/// <summary>
/// The place of a value that this reader does not make: a class or function that it does not know, or what such a one would have returned. It holds nothing and
/// does nothing, so that a value which nobody reads costs no file.
/// </summary>
/// <param name="name">What the pickle names, such as <c>functools.partial</c>.</param>
internal sealed class PickleForeign(string name)
{
    private const int LongestName = 200;

    public string Name { get; } = name.Length <= LongestName ? name : name[..LongestName];

    /// <summary>Whether the value is an integer of more than 64 bits.</summary>
    public bool IsHugeInteger { get; init; }
}

/// <summary>The classes and functions that a pickle may name. <see cref="PickleCalls"/> implements them.</summary>
internal enum PickleGlobal
{
    Dict,
    DefaultDict,
    OrderedDict,
    Int,
    Float,
    NumpyScalar,
    NumpyDtype,
    CodecsEncode,
    Decimal,
}

/// <summary>Finds globals by the names that Python 2 and 3 and numpy 1 and 2 write.</summary>
internal static class PickleGlobals
{
    private static readonly Dictionary<(string Module, string Name), object> s_known = new()
    {
        [("builtins", "dict")] = PickleGlobal.Dict,
        [("builtins", "int")] = PickleGlobal.Int,
        [("builtins", "float")] = PickleGlobal.Float,
        [("__builtin__", "dict")] = PickleGlobal.Dict,
        [("__builtin__", "int")] = PickleGlobal.Int,
        [("__builtin__", "long")] = PickleGlobal.Int,
        [("__builtin__", "float")] = PickleGlobal.Float,
        [("collections", "defaultdict")] = PickleGlobal.DefaultDict,
        [("collections", "OrderedDict")] = PickleGlobal.OrderedDict,
        [("numpy.core.multiarray", "scalar")] = PickleGlobal.NumpyScalar,
        [("numpy._core.multiarray", "scalar")] = PickleGlobal.NumpyScalar,
        [("numpy", "dtype")] = PickleGlobal.NumpyDtype,
        [("_codecs", "encode")] = PickleGlobal.CodecsEncode,
        [("decimal", "Decimal")] = PickleGlobal.Decimal,
        [("_decimal", "Decimal")] = PickleGlobal.Decimal,
        [("_pydecimal", "Decimal")] = PickleGlobal.Decimal,
    };

    /// <summary>Finds a <see cref="PickleGlobal"/>, or a <see cref="NumpyDtypeClass"/> for the class of one of numpy's number types.</summary>
    public static bool TryFind(string module, string name, [NotNullWhen(true)] out object? found) =>
        s_known.TryGetValue((module, name), out found)
        || (module == "numpy.dtypes" && (found = NumpyDtypeClass.Find(name)) is not null);
}
