using System.Diagnostics;
using System.Globalization;

namespace FinanceIngest.Bench.Load;

/// <summary>
/// Keeps cores busy beside what is measured: one process for each core, of the usual priority, that computes without a pause. A burner ends by itself after its
/// time, and at once when the program that started it has closed its standard input or is gone, however it went.
/// </summary>
internal sealed class CoreBurner : IDisposable
{
    /// <summary>The hidden argument that makes this program a burner; the seconds follow it.</summary>
    public const string Argument = "--burn-a-core";

    // A round of sums of this many steps takes some microseconds, after which the burner looks whether it has to end.
    private const int StepsPerLook = 10_000;

    private readonly List<Process> _burners = [];

    private CoreBurner()
    {
    }

    /// <summary>Starts burners.</summary>
    /// <param name="program">The path of this program's assembly.</param>
    /// <param name="cores">How many burners are started.</param>
    /// <param name="atMost">When each ends by itself; whole seconds, at least one.</param>
    public static CoreBurner Start(string program, int cores, TimeSpan atMost)
    {
        var burner = new CoreBurner();
        try
        {
            for (int core = 0; core < cores; core++)
            {
                burner._burners.Add(Process.Start(
                    new ProcessStartInfo("dotnet", [program, Argument, ((int)atMost.TotalSeconds).ToString(CultureInfo.InvariantCulture)])
                    {
                        RedirectStandardInput = true,
                    })!);
            }

            return burner;
        }
        catch
        {
            burner.Dispose();
            throw;
        }
    }

    /// <summary>Whether the arguments ask for a burner; then <paramref name="atMost"/> is the time that they give it.</summary>
    public static bool IsAskedFor(IReadOnlyList<string> arguments, out TimeSpan atMost)
    {
        atMost = default;
        if (arguments is not [Argument, var text]
            || !int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int seconds) || seconds == 0)
        {
            return false;
        }

        atMost = TimeSpan.FromSeconds(seconds);
        return true;
    }

    /// <summary>Computes until the time is over or <paramref name="standardInput"/> ends. Returns how often it looked whether it has to end.</summary>
    public static long Burn(TimeSpan atMost, Stream standardInput, TimeProvider time)
    {
        long looks = 0;
        bool isLeft = false;
        var watch = new Thread(() =>
        {
            while (standardInput.ReadByte() >= 0)
            {
                // Whatever is written to it means nothing.
            }

            Volatile.Write(ref isLeft, true);
        })
        {
            IsBackground = true,
        };
        watch.Start();
        double sum = 0;
        for (long start = time.GetTimestamp(); !Volatile.Read(ref isLeft) && time.GetElapsedTime(start) < atMost; looks++)
        {
            for (int step = 1; step <= StepsPerLook; step++)
            {
                sum += 1.0 / step;
            }
        }

        // The sum is used, so that no compiler leaves it out.
        return sum < 0 ? -1 : looks;
    }

    /// <summary>Checks that every burner still runs.</summary>
    /// <exception cref="InvalidOperationException">A burner had ended before: what was measured was not beside busy cores to the end.</exception>
    public void RequireRunning()
    {
        if (_burners.Exists(burner => burner.HasExited))
        {
            throw new InvalidOperationException("A process that was to keep a core busy has ended during the measurement; give it fewer rounds or requests.");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Process burner in _burners)
        {
            if (!burner.HasExited)
            {
                burner.Kill();
                burner.WaitForExit();
            }

            burner.Dispose();
        }

        _burners.Clear();
    }
}
