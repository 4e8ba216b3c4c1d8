using System.Diagnostics.CodeAnalysis;

namespace FinanceIngest.Cli.Baselines.Pickle;

// What a pickle can hold here, beside null for None, bool, long, ulong (only above 2^63−1), double, string and byte[].

/// <summary>A dict of any kind: its entries in the order in which they were set. A key set twice stands in it twice.</summary>
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

/// <summary>The classes and functions that are understood. Each is a name only: what it does is done by <see cref="PickleCalls"/>.</summary>
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
}

/// <summary>Finds the globals by the names that the pickles of Python 2 and 3, numpy 1 and 2 have for them.</summary>
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
    };

    /// <summary>A <see cref="PickleGlobal"/>, or the class of one of numpy's number types as <see cref="NumpyDtypeClass"/>.</summary>
    public static bool TryFind(string module, string name, [NotNullWhen(true)] out object? found) =>
        s_known.TryGetValue((module, name), out found)
        || (module == "numpy.dtypes" && (found = NumpyDtypeClass.Find(name)) is not null);
}
