using System.Runtime.InteropServices;

namespace FinanceIngest.Hosting;

/// <summary>How the threads of a program share the processor with each other and with other programs.</summary>
public static class ProgramThreads
{
    /// <summary>
    /// The processor time, in nanoseconds, after which a thread of this program lets others go on: 0.1 ms, the least that Linux takes. The default is some
    /// 1.4 ms on two cores and more on more.
    /// </summary>
    internal const ulong Slice = 100_000;

    /// <summary>Threads that the pool has from the start, at least: one may stand in a commit while another computes.</summary>
    internal const int Least = 2;

    private const int Size = 56;

    /// <summary>
    /// Sets up the program's threads. To be called on the first thread, before it starts others, which take over what is set here. What the system does not
    /// know or allow stays as it is.
    /// </summary>
    public static void Prepare()
    {
        // By default the pool has as many threads as there are cores. More than that cost 13 % of the processor time of each request on two cores, since more
        // threads wake each other.
        ThreadPool.GetMinThreads(out int workers, out int completions);
        ThreadPool.SetMinThreads(Math.Max(workers, Least), completions);
        TryShortenSlices();
    }

    /// <summary>
    /// Asks Linux for short slices of processor time for this thread and all that it starts. The threads here compute for some microseconds and then wait, for
    /// the disk or for each other; beside programs that compute without a pause, a thread with a short slice is let in sooner after each wait. It gets no
    /// larger part of the processor than before. Linux knows this since 6.12 (https://docs.kernel.org/scheduler/sched-eevdf.html).
    /// </summary>
    /// <returns>Whether the system took it, which older Linux also says and then does nothing.</returns>
    internal static bool TryShortenSlices()
    {
        if (!OperatingSystem.IsLinux() || NumbersOfCalls() is not var (set, get))
        {
            return false;
        }

        // Everything but the slice stays: niceness may have been set from outside. A policy other than the usual one was chosen by somebody, and stays too.
        var attributes = new SchedulingAttributes { Size = Size };
        if (Call(get, 0, ref attributes, Size, 0) != 0 || attributes.Policy != 0)
        {
            return false;
        }

        attributes.Size = Size;
        attributes.Runtime = Slice;
        return Call(set, 0, ref attributes, 0, 0) == 0;
    }

    /// <summary>The slice of this thread in nanoseconds; 0 where the system does not tell, or has none.</summary>
    internal static ulong CurrentSlice()
    {
        var attributes = new SchedulingAttributes { Size = Size };
        return OperatingSystem.IsLinux() && NumbersOfCalls() is var (_, get) && Call(get, 0, ref attributes, Size, 0) == 0 ? attributes.Runtime : 0;
    }

    // sched_setattr and sched_getattr, for which older C libraries have no functions.
    private static (nint Set, nint Get)? NumbersOfCalls() => RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => (314, 315),
        Architecture.Arm64 => (274, 275),
        _ => null,
    };

    // Nothing here needs marshalling, and the project has no unsafe code, which a generated stub would be.
#pragma warning disable SYSLIB1054
    [DllImport("libc", EntryPoint = "syscall", ExactSpelling = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint Call(nint number, nint thread, ref SchedulingAttributes attributes, nint third, nint fourth);
#pragma warning restore SYSLIB1054

    // struct sched_attr, https://man7.org/linux/man-pages/man2/sched_setattr.2.html
    [StructLayout(LayoutKind.Sequential)]
    private struct SchedulingAttributes
    {
        public uint Size;
        public uint Policy;
        public ulong Flags;
        public int Nice;
        public uint Priority;
        public ulong Runtime;
        public ulong Deadline;
        public ulong Period;
        public uint LeastUse;
        public uint MostUse;
    }
}
