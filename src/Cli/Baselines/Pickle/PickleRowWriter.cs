using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using FinanceIngest.Baselines;

namespace FinanceIngest.Cli.Baselines.Pickle;

/// <summary>
/// Writes <c>{user_id: {category_id: {"mean": float, "std": float, "count": int}}}</c> as a pickle of protocol 2. The pickle has plain dicts, ints and
/// floats only, names no class, and loads in every Python since 2.3.
/// </summary>
internal sealed class PickleRowWriter : IBaselineRowWriter
{
    private const int Protocol = 2;

    // Python's own pickler sets at most this many entries with one instruction, and readers may rely on it.
    private const int BatchSize = 1_000;

    private static readonly string[] s_names = ["mean", "std", "count"];

    private int _batch;
    private bool _named;

    public void Begin(IBufferWriter<byte> output)
    {
        Put(output, PickleOpcode.Proto, Protocol);
        Put(output, PickleOpcode.EmptyDict);
    }

    public void Write(IBufferWriter<byte> output, BaselineRow row, bool newUser)
    {
        if (newUser)
        {
            EndUser(output);
            PutInteger(output, row.Key.UserId);
            Put(output, PickleOpcode.EmptyDict);
            Put(output, PickleOpcode.Mark);
        }
        else if (_batch == BatchSize)
        {
            Put(output, PickleOpcode.SetItems);
            Put(output, PickleOpcode.Mark);
            _batch = 0;
        }

        PutInteger(output, row.Key.CategoryId);
        PutStatistics(output, row.Baseline);
        _batch++;
    }

    public void End(IBufferWriter<byte> output)
    {
        EndUser(output);
        Put(output, PickleOpcode.Stop);
    }

    private void EndUser(IBufferWriter<byte> output)
    {
        if (_batch > 0)
        {
            Put(output, PickleOpcode.SetItems);
            Put(output, PickleOpcode.SetItem);
            _batch = 0;
        }
    }

    private void PutStatistics(IBufferWriter<byte> output, Baseline baseline)
    {
        Put(output, PickleOpcode.EmptyDict);
        Put(output, PickleOpcode.Mark);
        PutName(output, 0);
        PutFloat(output, baseline.Mean);
        PutName(output, 1);
        PutFloat(output, baseline.StdDev);
        PutName(output, 2);
        PutInteger(output, baseline.SampleCount);
        Put(output, PickleOpcode.SetItems);
        _named = true;
    }

    // A name is written once; later uses refer to it by the memo.
    private void PutName(IBufferWriter<byte> output, byte index)
    {
        if (_named)
        {
            Put(output, PickleOpcode.BinGet, index);
            return;
        }

        Put(output, PickleOpcode.BinUnicode, (byte)s_names[index].Length, 0, 0, 0);
        Encoding.ASCII.GetBytes(s_names[index], output);
        Put(output, PickleOpcode.BinPut, index);
    }

    private static void PutFloat(IBufferWriter<byte> output, double number)
    {
        Put(output, PickleOpcode.BinFloat);
        BinaryPrimitives.WriteDoubleBigEndian(output.GetSpan(sizeof(double)), number);
        output.Advance(sizeof(double));
    }

    private static void PutInteger(IBufferWriter<byte> output, long number)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
        if (number is >= byte.MinValue and <= byte.MaxValue)
        {
            Put(output, PickleOpcode.BinInt1, bytes[0]);
        }
        else if (number is >= ushort.MinValue and <= ushort.MaxValue)
        {
            Put(output, PickleOpcode.BinInt2, bytes[..2]);
        }
        else if (number is >= int.MinValue and <= int.MaxValue)
        {
            Put(output, PickleOpcode.BinInt, bytes[..4]);
        }
        else
        {
            Put(output, PickleOpcode.Long1, sizeof(long));
            output.Write(bytes);
        }
    }

    private static void Put(IBufferWriter<byte> output, PickleOpcode opcode, params ReadOnlySpan<byte> argument)
    {
        output.Write([(byte)opcode]);
        output.Write(argument);
    }
}
