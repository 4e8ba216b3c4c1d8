using System.Runtime.InteropServices;
using SharpFuzz.Common;

namespace FinanceIngest.Fuzz.Engine;

/// <summary>
/// Records which branches of the instrumented libraries an input took and how often, as AFL does (a map of 64 KiB of edges, counts in eight classes). It sees
/// nothing unless <c>sharpfuzz</c> has instrumented the libraries beside this program (<c>tests/Fuzz/instrumented</c>).
/// </summary>
internal sealed unsafe class Coverage
{
    private const int Size = 1 << 16;
    private readonly byte* _map = (byte*)NativeMemory.AllocZeroed(Size);
    private readonly byte[] _seen = new byte[Size];

    /// <summary>Turns recording on. Instrumented code can't run before that.</summary>
    public Coverage() => Trace.SharedMem = _map;

    /// <summary>Whether the library under test is instrumented.</summary>
    public static bool IsInstrumented { get; } =
        typeof(Transactions.Money).Assembly.GetReferencedAssemblies().Any(name => name.Name == typeof(Trace).Assembly.GetName().Name);

    /// <summary>The number of edges seen so far.</summary>
    public int Edges { get; private set; }

    /// <summary>Forgets the path of the last input.</summary>
    public void Begin()
    {
        new Span<byte>(_map, Size).Clear();
        Trace.PrevLocation = 0;
    }

    /// <summary>Whether the last input took a new edge, or took an edge in a new class of counts.</summary>
    public bool HasNews()
    {
        bool news = false;
        var map = new ReadOnlySpan<byte>(_map, Size);
        for (int at = map.IndexOfAnyExcept((byte)0); at >= 0 && at < Size;)
        {
            byte often = Class(map[at]);
            if ((_seen[at] & often) == 0)
            {
                Edges += _seen[at] == 0 ? 1 : 0;
                _seen[at] |= often;
                news = true;
            }

            int next = map[(at + 1)..].IndexOfAnyExcept((byte)0);
            at = next < 0 ? Size : at + 1 + next;
        }

        return news;
    }

    private static byte Class(byte count) => count switch
    {
        1 => 1,
        2 => 2,
        3 => 4,
        < 8 => 8,
        < 16 => 16,
        < 32 => 32,
        < 128 => 64,
        _ => 128,
    };
}
