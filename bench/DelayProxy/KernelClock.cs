using System.Diagnostics;
using System.Runtime.InteropServices;

namespace FinanceIngest.Bench.Delay;

/// <summary>
/// The kernel's monotonic clock. Waiting is <c>clock_nanosleep</c> to an absolute instant (https://man7.org/linux/man-pages/man2/clock_nanosleep.2.html) with
/// a timer slack of one nanosecond (https://man7.org/linux/man-pages/man2/PR_SET_TIMERSLACK.2const.html): by default the kernel may add 50 µs to each wait. No
/// thread spins, because a spinning proxy would take a core from the programs that are measured.
/// </summary>
internal sealed partial class KernelClock : DelayClock
{
    private const int Monotonic = 1;
    private const int Absolute = 1;
    private const int SetTimerSlack = 29;
    private const int Interrupted = 4;
    private const long NanosecondsPerSecond = 1_000_000_000;

    [ThreadStatic]
    private static bool t_isPrecise;

    /// <inheritdoc/>
    // On Linux, Stopwatch reads CLOCK_MONOTONIC in nanoseconds, which is the clock that clock_nanosleep is given.
    public override long Now => Stopwatch.Frequency == NanosecondsPerSecond
        ? Stopwatch.GetTimestamp()
        : throw new PlatformNotSupportedException("The delay proxy needs a monotonic clock in nanoseconds.");

    /// <inheritdoc/>
    public override void WaitUntil(long due, CancellationToken cancellationToken)
    {
        if (!t_isPrecise)
        {
            t_isPrecise = SetProcessControl(SetTimerSlack, 1, 0, 0, 0) == 0;
        }

        var until = new TimeSpecification(due / NanosecondsPerSecond, due % NanosecondsPerSecond);
        int result;
        do
        {
            cancellationToken.ThrowIfCancellationRequested();
            result = Sleep(Monotonic, Absolute, in until, 0);
        }
        while (result == Interrupted);

        if (result != 0)
        {
            throw new InvalidOperationException($"clock_nanosleep failed with error {result}.");
        }
    }

    [LibraryImport("libc", EntryPoint = "clock_nanosleep")]
    private static partial int Sleep(int clock, int flags, in TimeSpecification until, nint remaining);

    [LibraryImport("libc", EntryPoint = "prctl")]
    private static partial int SetProcessControl(int option, nuint value, nuint third, nuint fourth, nuint fifth);

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct TimeSpecification(long Seconds, long Nanoseconds);
}
