using FinanceIngest.Fuzz.Engine;

namespace FinanceIngest.Fuzz.Targets;

/// <summary>Notices when reading a text makes the runtime look for a type or an assembly, which is how foreign code would begin.</summary>
internal static class TypesLoaded
{
    // Other threads may load types at the same time, so each thread has its own list.
    [ThreadStatic]
    private static List<string>? t_asked;

    static TypesLoaded()
    {
        AppDomain.CurrentDomain.TypeResolve += (_, asked) => Note(asked.Name);
        AppDomain.CurrentDomain.AssemblyResolve += (_, asked) => Note(asked.Name);
        AppDomain.CurrentDomain.AssemblyLoad += (_, loaded) => Note(loaded.LoadedAssembly.GetName().Name ?? "");
    }

    /// <summary>Begins to watch the current thread.</summary>
    public static void Begin()
    {
        t_asked = [];
    }

    /// <summary>Ends the watch, and checks that only assemblies of the framework were looked for.</summary>
    public static void Check()
    {
        List<string> asked = t_asked ?? [];
        t_asked = null;
        Property.Holds(asked.Count == 0, "nothing is loaded", $"{string.Join(", ", asked)}");
    }

    private static System.Reflection.Assembly? Note(string name)
    {
        if (!name.StartsWith("System.", StringComparison.Ordinal))
        {
            t_asked?.Add(name);
        }

        return null;
    }
}
