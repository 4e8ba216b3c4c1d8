using System.Runtime.InteropServices;
using System.Text;

namespace FinanceIngest.Cli.Inspection;

/// <summary>Asks the operating system what this user may do.</summary>
internal static class NativeAccess
{
    private const int Write = 2;
    private const int Enter = 1;

    /// <summary>Whether this user may make files in a folder (Unix).</summary>
    public static bool MayWrite(string folder) => Access(Encoding.UTF8.GetBytes(folder + '\0'), Write | Enter) == 0;

    // A source-generated import would need unsafe code in the whole project.
#pragma warning disable SYSLIB1054
    [DllImport("libc", EntryPoint = "access")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Access(byte[] path, int mode);
#pragma warning restore SYSLIB1054
}
