using FinanceIngest.Cli.Running;

namespace FinanceIngest.Cli.Baselines.Pickle;

/// <summary>The stack of values, its marks, and the memo. Each has a largest size.</summary>
internal sealed class PickleStack(PickleInput input)
{
    private const int MostValues = 1_000_000;
    private const int MostMarks = 1_000;
    private const int MostMemos = 4_000_000;
    private const int MostGaps = 1_000;

    // Bounds the memory of all values together: each value costs one and each container two, wherever it is stored.
    private const int Budget = 16_000_000;

    private readonly List<object?> _values = [];
    private readonly List<int> _marks = [];
    private readonly List<object?> _memo = [];
    private int _spent;

    /// <summary>The number of memos, which is the index that MEMOIZE assigns next.</summary>
    public int Memos => _memo.Count;

    private int Fence => _marks.Count == 0 ? 0 : _marks[^1];

    /// <summary>Charges the making or copying of values to the budget.</summary>
    /// <param name="values">The number of values.</param>
    /// <exception cref="BaselineFileException">The budget is used up.</exception>
    public void Spend(int values)
    {
        _spent += values;
        if (_spent > Budget)
        {
            throw input.Fail($"the pickle makes more than {Counted.Number(Budget)} values; it is too large, or made to do harm");
        }
    }

    public void Push(object? value)
    {
        Spend(value is PickleDict or PickleList or PickleTuple ? 2 : 1);
        if (_values.Count == MostValues)
        {
            throw input.Fail($"the pickle has more than {Counted.Number(MostValues)} values in hand");
        }

        _values.Add(value);
    }

    public object? Pop()
    {
        object? top = Peek();
        _values.RemoveAt(_values.Count - 1);
        return top;
    }

    public object? Peek() =>
        _values.Count > Fence ? _values[^1] : throw input.Fail("the pickle is damaged: it takes a value where there is none");

    public T Peek<T>(string wanted) =>
        Peek() is T top ? top : throw input.Fail($"the pickle is damaged: {wanted} is missing");

    public T Pop<T>(string wanted) =>
        Pop() is T top ? top : throw input.Fail($"the pickle is damaged: {wanted} is missing");

    public void Mark()
    {
        if (_marks.Count == MostMarks)
        {
            throw input.Fail($"the pickle is nested more than {Counted.Number(MostMarks)} deep");
        }

        _marks.Add(_values.Count);
    }

    /// <summary>Removes the last mark, and removes and returns the values above it.</summary>
    public object?[] PopToMark()
    {
        if (_marks.Count == 0)
        {
            throw input.Fail("the pickle is damaged: a mark is missing");
        }

        int fence = Fence;
        object?[] items = _values.Count == fence ? [] : new object?[_values.Count - fence];
        _values.CopyTo(fence, items, 0, items.Length);
        _values.RemoveRange(fence, items.Length);
        _marks.RemoveAt(_marks.Count - 1);
        return items;
    }

    /// <summary>Removes the top value, or the top mark when no value is above it.</summary>
    public void Drop()
    {
        if (_marks.Count > 0 && _values.Count == Fence)
        {
            _marks.RemoveAt(_marks.Count - 1);
        }
        else
        {
            Pop();
        }
    }

    /// <summary>Stores the top value in the memo under an index.</summary>
    public void Put(ulong index)
    {
        object? top = Peek();
        if (index >= MostMemos)
        {
            throw input.Fail($"the pickle has more than {Counted.Number(MostMemos)} memos");
        }

        // Pickles number their memos from 0, and each memo takes at least one byte. A larger index could make a short pickle reserve memory for millions of
        // memos.
        if (index > (ulong)input.Length + MostGaps)
        {
            throw input.Fail($"the pickle is damaged: memo {index} is beyond what it can hold");
        }

        while (_memo.Count <= (int)index)
        {
            _memo.Add(Unset.Value);
        }

        _memo[(int)index] = top;
    }

    /// <summary>Pushes the value that the memo has under an index.</summary>
    public void Get(ulong index)
    {
        object? kept = index < (ulong)_memo.Count ? _memo[(int)index] : Unset.Value;
        Push(kept != Unset.Value ? kept : throw input.Fail($"the pickle is damaged: memo {index} is missing"));
    }

    private static class Unset
    {
        public static readonly object Value = new();
    }
}
