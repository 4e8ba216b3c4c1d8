namespace FinanceIngest.Fuzz.Engine;

/// <summary>Makes an input smaller while it still has the same fault.</summary>
internal static class Minimiser
{
    private const int MostRuns = 4_000;

    /// <summary>Returns the smallest input that was found in a few thousand runs.</summary>
    public static byte[] Minimise(FuzzTarget target, byte[] input, string fault)
    {
        byte[] best = input;
        int runs = 0;
        for (int piece = Math.Max(1, best.Length / 2); runs < MostRuns; piece = Math.Max(1, piece / 2))
        {
            bool smaller = false;
            for (int from = 0; from < best.Length && runs < MostRuns;)
            {
                byte[] less = [.. best[..from], .. best[Math.Min(best.Length, from + piece)..]];
                runs++;
                if (Execution.Of(target, less).Fault == fault)
                {
                    best = less;
                    smaller = true;
                }
                else
                {
                    from += piece;
                }
            }

            if (piece == 1 && !smaller)
            {
                break;
            }
        }

        return best;
    }
}
