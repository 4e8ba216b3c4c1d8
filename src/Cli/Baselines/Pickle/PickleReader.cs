using System.Text;
using FinanceIngest.Ground;

namespace FinanceIngest.Cli.Baselines.Pickle;

/// <summary>
/// Reads a Python pickle of protocol 0 to 5 without executing anything. It is a stack machine over dicts, lists, tuples, texts and numbers; it knows a dozen
/// globals by name (<see cref="PickleGlobals"/>) and refuses all others. Time and memory are bounded: an instruction takes time in proportion to the bytes
/// and values that it consumes, and the number of values is limited.
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

    /// <summary>Returns the value that a pickle holds. Bytes after the STOP instruction are ignored, as in Python.</summary>
    /// <returns>Null for None, or a bool, long, ulong (above 2^63−1), double, string, byte[], or a type of this namespace.</returns>
    /// <exception cref="BaselineFileException">The pickle is damaged, cut short, too large, or holds anything else.</exception>
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

        return reader._stack.Pop();
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
                PushNumber(PickleNumbers.ReadInteger(_input.ReadText(_input.ReadByte())));
                return true;
            case PickleOpcode.Long4:
                PushNumber(PickleNumbers.ReadInteger(ReadCounted()));
                return true;
            case PickleOpcode.Int:
                string text = _input.ReadLine();
                PushNumber(text is "00" or "01" ? text == "01" : PickleNumbers.ParseInteger(text));
                return true;
            case PickleOpcode.Long:
                PushNumber(PickleNumbers.ParseInteger(_input.ReadLine()));
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
                _stack.Push(Encoding.UTF8.GetString(_input.ReadText(_input.ReadByte())));
                return true;
            case PickleOpcode.BinUnicode:
                _stack.Push(Encoding.UTF8.GetString(_input.ReadText(_input.ReadUInt32())));
                return true;
            case PickleOpcode.BinUnicode8:
                _stack.Push(Encoding.UTF8.GetString(_input.ReadText(_input.ReadUInt64())));
                return true;
            case PickleOpcode.Unicode:
                PushText(PickleText.UnescapeUnicode(_input.ReadLine()));
                return true;
            case PickleOpcode.String:
                PushText(PickleText.Unquote(_input.ReadLine()));
                return true;
            case PickleOpcode.ShortBinString:
                _stack.Push(Encoding.Latin1.GetString(_input.ReadText(_input.ReadByte())));
                return true;
            case PickleOpcode.BinString:
                _stack.Push(Encoding.Latin1.GetString(ReadCounted()));
                return true;
            case PickleOpcode.ShortBinBytes:
                _stack.Push(_input.ReadText(_input.ReadByte()).ToArray());
                return true;
            case PickleOpcode.BinBytes:
                _stack.Push(_input.ReadText(_input.ReadUInt32()).ToArray());
                return true;
            case PickleOpcode.BinBytes8 or PickleOpcode.ByteArray8:
                _stack.Push(_input.ReadText(_input.ReadUInt64()).ToArray());
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
                SetItems(_stack.Peek<PickleDict>("a dict"), [key, value]);
                return true;
            case PickleOpcode.SetItems:
                object?[] items = _stack.PopToMark();
                SetItems(_stack.Peek<PickleDict>("a dict"), items);
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
                return false;
        }
    }

    private object FindGlobal(string module, string name) => PickleGlobals.TryFind(module, name, out object? found)
        ? found
        : throw _input.Fail(
            $"the pickle names {SafeText.Quote($"{module}.{name}")}, which is not a plain dict or number; nothing was executed");

    private BaselineFileException Refuse(PickleOpcode opcode) => _input.Fail(opcode switch
    {
        PickleOpcode.PersId or PickleOpcode.BinPersId => "the pickle refers to an object outside of it; nothing was executed",
        PickleOpcode.Ext1 or PickleOpcode.Ext2 or PickleOpcode.Ext4 =>
            "the pickle names a class by a number of Python's extension registry; nothing was executed",
        PickleOpcode.NewObjEx => "the pickle makes an object that is not a plain dict or number; nothing was executed",
        PickleOpcode.NextBuffer or PickleOpcode.ReadOnlyBuffer => "the pickle refers to a buffer outside of it",
        _ => $"is not a pickle, or is damaged: there is no instruction 0x{(byte)opcode:x2}",
    });

    private void CheckProtocol(byte protocol)
    {
        if (protocol > HighestProtocol)
        {
            throw _input.Fail($"the pickle has protocol {protocol}; the highest that is read is {HighestProtocol}");
        }
    }

    private void PushNumber(object? number) => _stack.Push(number
        ?? throw _input.Fail("holds a number that is damaged, or an integer of more than 64 bits"));

    private void PushText(string? text) => _stack.Push(text ?? throw _input.Fail("the pickle is damaged: a text has a malformed escape"));

    private ReadOnlySpan<byte> ReadCounted()
    {
        int length = _input.ReadInt32();
        return length >= 0 ? _input.ReadText((ulong)length) : throw _input.Fail("the pickle is damaged: a length is negative");
    }

    private ulong ReadIndex() => PickleNumbers.ParseInteger(_input.ReadLine()) is long index and >= 0
        ? (ulong)index
        : throw _input.Fail("the pickle is damaged: a memo's index is not a number");

    private void SetItems(PickleDict dict, ReadOnlySpan<object?> items)
    {
        if (items.Length % 2 != 0)
        {
            throw _input.Fail("the pickle is damaged: a key has no value");
        }

        _stack.Spend(items.Length / 2);
        for (int i = 0; i < items.Length; i += 2)
        {
            dict.Set(items[i], items[i + 1]);
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
        PickleList list = _stack.Peek<PickleList>("a list");
        _stack.Spend(items.Length);
        list.AddRange(items);
    }
}
