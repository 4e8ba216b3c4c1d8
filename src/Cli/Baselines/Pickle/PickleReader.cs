using System.Text;

namespace FinanceIngest.Cli.Baselines.Pickle;

/// <summary>
/// Reads a Python pickle of protocol 0 to 5 without executing anything. It is a stack machine over dicts, lists, tuples, texts and numbers; it knows a dozen
/// globals by name (<see cref="PickleGlobals"/>), and all others stand as a <see cref="PickleForeign"/>. Time and memory are bounded: an instruction takes time
/// in proportion to the bytes and values that it consumes, and the number of values is limited.
/// </summary>
/// <remarks>The instructions are described in CPython's <c>Lib/pickletools.py</c>.</remarks>
internal sealed class PickleReader
{
    private const int HighestProtocol = 5;

    private readonly PickleInput _input;
    private readonly PickleStack _stack;
    private readonly PickleCalls _calls;

    private PickleReader(byte[] bytes, string file)
    {
        _input = new PickleInput(bytes, file);
        _stack = new PickleStack(_input);
        _calls = new PickleCalls(_input, _stack);
    }

    /// <summary>Returns the value that a pickle holds.</summary>
    /// <returns>Null for None, or a bool, long, ulong (above 2^63−1), double, string, byte[], or a type of this namespace.</returns>
    /// <exception cref="BaselineFileException">The pickle is damaged, cut short, too large, or has more behind its end.</exception>
    public static object? Load(byte[] bytes, string file)
    {
        var reader = new PickleReader(bytes, file);
        PickleOpcode opcode;
        while ((opcode = reader._input.ReadOpcode()) != PickleOpcode.Stop)
        {
            bool done = reader.Number(opcode) || reader.Text(opcode) || reader.Container(opcode) || reader.Memo(opcode) || reader.Object(opcode);
            if (!done)
            {
                throw reader.Refuse(opcode);
            }
        }

        object? value = reader._stack.Pop();
        return reader._input.IsAtEnd ? value : throw reader._input.Fail("the pickle has more behind its end, which would not be read: a file has one object");
    }

    private bool Number(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.BinInt1:
                _stack.Push((long)_input.ReadByte());
                return true;
            case PickleOpcode.BinInt2:
                _stack.Push((long)_input.ReadUInt16());
                return true;
            case PickleOpcode.BinInt:
                _stack.Push((long)_input.ReadInt32());
                return true;
            case PickleOpcode.BinFloat:
                _stack.Push(_input.ReadBigEndianDouble());
                return true;
            case PickleOpcode.Long1:
                PushInteger(_input.ReadByte());
                return true;
            case PickleOpcode.Long4:
                PushInteger(ReadLength());
                return true;
            case PickleOpcode.Int:
                string text = _input.ReadLine();
                PushDigits(text);
                return true;
            case PickleOpcode.Long:
                PushDigits(_input.ReadLine());
                return true;
            case PickleOpcode.Float:
                PushNumber(PickleNumbers.ParseFloat(_input.ReadLine()));
                return true;
            case PickleOpcode.None:
                _stack.Push(null);
                return true;
            case PickleOpcode.NewTrue or PickleOpcode.NewFalse:
                _stack.Push(opcode == PickleOpcode.NewTrue);
                return true;
            default:
                return false;
        }
    }

    private bool Text(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.ShortBinUnicode:
                PushText(_input.ReadByte(), Encoding.UTF8);
                return true;
            case PickleOpcode.BinUnicode:
                PushText(_input.ReadUInt32(), Encoding.UTF8);
                return true;
            case PickleOpcode.BinUnicode8:
                PushText(_input.ReadUInt64(), Encoding.UTF8);
                return true;
            case PickleOpcode.Unicode:
                PushText(PickleText.UnescapeUnicode(_input.ReadLine()));
                return true;
            case PickleOpcode.String:
                PushText(PickleText.Unquote(_input.ReadLine()));
                return true;
            case PickleOpcode.ShortBinString:
                PushText(_input.ReadByte(), Encoding.Latin1);
                return true;
            case PickleOpcode.BinString:
                PushText(ReadLength(), Encoding.Latin1);
                return true;
            case PickleOpcode.ShortBinBytes:
                PushText(_input.ReadByte(), null);
                return true;
            case PickleOpcode.BinBytes:
                PushText(_input.ReadUInt32(), null);
                return true;
            case PickleOpcode.BinBytes8 or PickleOpcode.ByteArray8:
                PushText(_input.ReadUInt64(), null);
                return true;
            default:
                return false;
        }
    }

    private bool Container(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.EmptyDict:
                _stack.Push(new PickleDict());
                return true;
            case PickleOpcode.Dict:
                object?[] entries = _stack.PopToMark();
                var made = new PickleDict();
                SetItems(made, entries);
                _stack.Push(made);
                return true;
            case PickleOpcode.SetItem:
                object? value = _stack.Pop();
                object? key = _stack.Pop();
                SetItems(PeekContainer<PickleDict>("a dict"), [key, value]);
                return true;
            case PickleOpcode.SetItems:
                object?[] items = _stack.PopToMark();
                SetItems(PeekContainer<PickleDict>("a dict"), items);
                return true;
            case PickleOpcode.EmptyList or PickleOpcode.EmptySet:
                _stack.Push(new PickleList());
                return true;
            case PickleOpcode.List or PickleOpcode.FrozenSet:
                PushList(_stack.PopToMark());
                return true;
            case PickleOpcode.Append:
                object? item = _stack.Pop();
                AddItems([item]);
                return true;
            case PickleOpcode.Appends or PickleOpcode.AddItems:
                AddItems(_stack.PopToMark());
                return true;
            default:
                return Tuple(opcode);
        }
    }

    private bool Tuple(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.EmptyTuple:
                _stack.Push(new PickleTuple([]));
                return true;
            case PickleOpcode.Tuple1 or PickleOpcode.Tuple2 or PickleOpcode.Tuple3:
                var items = new object?[opcode - PickleOpcode.Tuple1 + 1];
                for (int i = items.Length - 1; i >= 0; i--)
                {
                    items[i] = _stack.Pop();
                }

                _stack.Push(new PickleTuple(items));
                return true;
            case PickleOpcode.Tuple:
                _stack.Push(new PickleTuple(_stack.PopToMark()));
                return true;
            default:
                return false;
        }
    }

    private bool Memo(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.Mark:
                _stack.Mark();
                return true;
            case PickleOpcode.PopMark:
                _stack.PopToMark();
                return true;
            case PickleOpcode.Pop:
                _stack.Drop();
                return true;
            case PickleOpcode.Dup:
                _stack.Push(_stack.Peek());
                return true;
            case PickleOpcode.Memoize:
                _stack.Put((ulong)_stack.Memos);
                return true;
            case PickleOpcode.BinPut:
                _stack.Put(_input.ReadByte());
                return true;
            case PickleOpcode.LongBinPut:
                _stack.Put(_input.ReadUInt32());
                return true;
            case PickleOpcode.Put:
                _stack.Put(ReadIndex());
                return true;
            case PickleOpcode.BinGet:
                _stack.Get(_input.ReadByte());
                return true;
            case PickleOpcode.LongBinGet:
                _stack.Get(_input.ReadUInt32());
                return true;
            case PickleOpcode.Get:
                _stack.Get(ReadIndex());
                return true;
            default:
                return false;
        }
    }

    private bool Object(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.Proto:
                CheckProtocol(_input.ReadByte());
                return true;
            case PickleOpcode.Frame:
                _input.Expect(_input.ReadUInt64());
                return true;
            case PickleOpcode.Global:
                string module = _input.ReadLine();
                _stack.Push(FindGlobal(module, _input.ReadLine()));
                return true;
            case PickleOpcode.StackGlobal:
                string name = _stack.Pop<string>("a global's name");
                _stack.Push(FindGlobal(_stack.Pop<string>("a global's module"), name));
                return true;
            case PickleOpcode.Reduce or PickleOpcode.NewObj:
                PickleTuple arguments = _stack.Pop<PickleTuple>("a tuple of arguments");
                _stack.Push(_calls.Call(_stack.Pop(), arguments.Items));
                return true;
            case PickleOpcode.Inst:
                string instModule = _input.ReadLine();
                object instClass = FindGlobal(instModule, _input.ReadLine());
                _stack.Push(_calls.Call(instClass, _stack.PopToMark()));
                return true;
            case PickleOpcode.Obj:
                object?[] parts = _stack.PopToMark();
                _stack.Push(parts.Length > 0 ? _calls.Call(parts[0], parts[1..]) : throw _input.Fail("the pickle is damaged: a class is missing"));
                return true;
            case PickleOpcode.Build:
                object? state = _stack.Pop();
                _calls.Build(_stack.Peek(), state);
                return true;
            default:
                return Foreign(opcode);
        }
    }

    // What these instructions would take from outside of the pickle is not there, and is not asked for.
    private bool Foreign(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.NewObjEx:
                _stack.Pop();
                _stack.Pop();
                _stack.Push(new PickleForeign(_stack.Pop() is PickleForeign type ? type.Name : "an object"));
                return true;
            case PickleOpcode.PersId:
                _input.ReadLine();
                _stack.Push(new PickleForeign("an object outside of the pickle"));
                return true;
            case PickleOpcode.BinPersId:
                _stack.Pop();
                _stack.Push(new PickleForeign("an object outside of the pickle"));
                return true;
            case PickleOpcode.Ext1:
                _stack.Push(Extension(_input.ReadByte()));
                return true;
            case PickleOpcode.Ext2:
                _stack.Push(Extension(_input.ReadUInt16()));
                return true;
            case PickleOpcode.Ext4:
                _stack.Push(Extension(_input.ReadUInt32()));
                return true;
            case PickleOpcode.NextBuffer:
                _stack.Push(new PickleForeign("a buffer outside of the pickle"));
                return true;
            case PickleOpcode.ReadOnlyBuffer:
                _stack.Peek();
                return true;
            default:
                return false;
        }
    }

    private static PickleForeign Extension(uint code) => new(FormattableString.Invariant($"class {code} of Python's extension registry"));

    private static object FindGlobal(string module, string name) =>
        PickleGlobals.TryFind(module, name, out object? found) ? found : new PickleForeign($"{module}.{name}");

    private BaselineFileException Refuse(PickleOpcode opcode) =>
        _input.Fail($"is not a pickle, or is damaged: there is no instruction 0x{(byte)opcode:x2}");

    private void CheckProtocol(byte protocol)
    {
        if (protocol > HighestProtocol)
        {
            throw _input.Fail($"the pickle has protocol {protocol}; the highest that is read is {HighestProtocol}");
        }
    }

    private void PushNumber(object? number) => _stack.Push(number ?? throw _input.Fail("the pickle is damaged: a number is malformed"));

    private void PushDigits(string text) => PushNumber(
        text is "00" or "01" ? text == "01"
        : PickleNumbers.ParseInteger(text) ?? (PickleNumbers.IsInteger(text) ? new PickleForeign("int") { IsHugeInteger = true } : null));

    private void PushInteger(ulong length) => _stack.Push(
        (_input.TryReadText(length, out ReadOnlySpan<byte> bytes) ? PickleNumbers.ReadInteger(bytes) : null)
        ?? new PickleForeign("int") { IsHugeInteger = true });

    private void PushText(string? text) => _stack.Push(text ?? throw _input.Fail("the pickle is damaged: a text has a malformed escape"));

    /// <summary>Pushes a text, or bytes when there is no encoding.</summary>
    private void PushText(ulong length, Encoding? encoding) => _stack.Push(
        !_input.TryReadText(length, out ReadOnlySpan<byte> bytes) ? new PickleForeign("a long text")
        : encoding is null ? bytes.ToArray()
        : encoding.GetString(bytes));

    private ulong ReadLength()
    {
        int length = _input.ReadInt32();
        return length >= 0 ? (ulong)length : throw _input.Fail("the pickle is damaged: a length is negative");
    }

    private ulong ReadIndex() => PickleNumbers.ParseInteger(_input.ReadLine()) is long index and >= 0
        ? (ulong)index
        : throw _input.Fail("the pickle is damaged: a memo's index is not a number");

    /// <summary>Returns the container on top; null for a foreign object, whose items are not kept.</summary>
    private T? PeekContainer<T>(string wanted)
        where T : class => _stack.Peek() is PickleForeign ? null : _stack.Peek<T>(wanted);

    private void SetItems(PickleDict? dict, ReadOnlySpan<object?> items)
    {
        if (items.Length % 2 != 0)
        {
            throw _input.Fail("the pickle is damaged: a key has no value");
        }

        _stack.Spend(items.Length / 2);
        for (int i = 0; i < items.Length; i += 2)
        {
            dict?.Set(items[i], items[i + 1]);
        }
    }

    private void PushList(object?[] items)
    {
        var list = new PickleList();
        list.AddRange(items);
        _stack.Spend(items.Length);
        _stack.Push(list);
    }

    private void AddItems(ReadOnlySpan<object?> items)
    {
        PickleList? list = PeekContainer<PickleList>("a list");
        _stack.Spend(items.Length);
        list?.AddRange(items);
    }
}
