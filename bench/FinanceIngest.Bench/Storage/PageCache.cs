using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace FinanceIngest.Bench.Storage;

/// <summary>What the kernel keeps of a file in memory (cachestat(2), posix_fadvise(2)).</summary>
internal static partial class PageCache
{
    private const int CacheStat = 451;
    private const int WillNotNeed = 4;
    private const long PageLength = 4096;

    /// <summary>The bytes of a file that are in memory; null where the kernel does not say (before Linux 6.5).</summary>
    public static long? Resident(string path)
    {
        using SafeFileHandle file = File.OpenHandle(path, share: FileShare.ReadWrite);
        var range = new CacheRange(0, 0);
        return Ask(CacheStat, file, in range, out CacheAnswer answer, 0) == 0 ? answer.Cached * PageLength : null;
    }

    /// <summary>Makes the kernel read a file, as use over days would. What the memory has no room for is gone again at the end.</summary>
    public static void Load(string path)
    {
        using SafeFileHandle file = File.OpenHandle(path, share: FileShare.ReadWrite, options: FileOptions.SequentialScan);
        byte[] buffer = new byte[8 * 1024 * 1024];
        long position = 0;
        for (int read = -1; read != 0; position += read)
        {
            read = RandomAccess.Read(file, buffer, position);
        }
    }

    /// <summary>
    /// Keeps a file in memory until the result is disposed of (mlock(2)): some kernels give up pages of the cache that were not used for a minute, although
    /// there is room. Null: there is no room for it, or the user may not.
    /// </summary>
    public static IDisposable? TryHold(string path)
    {
        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        MemoryMappedFile map = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
        MemoryMappedViewAccessor view = map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        var held = new Held(map, view);
        if (Lock(view.SafeMemoryMappedViewHandle.DangerousGetHandle(), (nuint)view.SafeMemoryMappedViewHandle.ByteLength) == 0)
        {
            return held;
        }

        held.Dispose();
        return null;
    }

    /// <summary>Makes the kernel forget a file, so that the next reads come from the disk. Pages that are not on the disk yet are written first.</summary>
    public static void Forget(string path)
    {
        using SafeFileHandle file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        RandomAccess.FlushToDisk(file);
        int error = Advise(file, 0, 0, WillNotNeed);
        if (error != 0)
        {
            throw new IOException($"posix_fadvise failed with error {error}.");
        }
    }

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    private static partial int Advise(SafeFileHandle file, long offset, long length, int advice);

    [LibraryImport("libc", EntryPoint = "mlock")]
    private static partial int Lock(IntPtr address, nuint length);

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial int Ask(long number, SafeFileHandle file, in CacheRange range, out CacheAnswer answer, uint flags);

    // The end of the mapping is the end of the lock.
    private sealed class Held(MemoryMappedFile map, MemoryMappedViewAccessor view) : IDisposable
    {
        public void Dispose()
        {
            view.Dispose();
            map.Dispose();
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct CacheRange(long Offset, long Length);

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct CacheAnswer(long Cached, long Dirty, long Writeback, long Evicted, long RecentlyEvicted);
}
