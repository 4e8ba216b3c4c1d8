using System.Runtime.InteropServices;
using SharpFuzz.Common;

namespace FinanceIngest.Fuzz.Engine;

/// <summary>
/// Which branches of the instrumented programs an input took and how often, as AFL counts them (a map of 64 KiB of edges, counts in eight classes).
/// Nothing is seen unless <c>sharpfuzz</c> has instrumented the libraries beside this program (<c>tests/Fuzz/instrumented</c>).
/// </summary>
internal sealed unsafe class Coverage
{
    private const int Size = 1 << 16;
    private readonly byte* _map = (byte*)NativeMemory.AllocZeroed(Size);
    private readonly byte[] _seen = new byte[Size];

    /// <summary>Turns it on; without it instrumented code can't run.</summary>
    public Coverage() => Trace.SharedMem = _map;

    /// <summary>Whether the library under test is instrumented.</summary>
    public static bool IsInstrumented { get; } =
        typeof(Transactions.Money).Assembly.GetReferencedAssemblies().Any(name => name.Name == typeof(Trace).Assembly.GetName().Name);

    /// <summary>Edges seen so far.</summary>
    public int Edges { get; private set; }

    /// <summary>Forgets the last input's path.</summary>
    public void Begin()
    {
        new Span<byte>(_map, Size).Clear();
        Trace.PrevLocation = 0;
    }

    /// <summary>Whether the last input took an edge that none took before it, or as often.</summary>
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
