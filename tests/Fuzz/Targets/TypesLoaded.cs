using FinanceIngest.Fuzz.Engine;

namespace FinanceIngest.Fuzz.Targets;

/// <summary>Notices when a text makes the runtime look for a type or an assembly, which is how foreign code would begin.</summary>
internal static class TypesLoaded
{
    // What other threads load meanwhile is none of this one's doing.
    [ThreadStatic]
    private static List<string>? t_asked;

    static TypesLoaded()
    {
        AppDomain.CurrentDomain.TypeResolve += (_, asked) => Note(asked.Name);
        AppDomain.CurrentDomain.AssemblyResolve += (_, asked) => Note(asked.Name);
        AppDomain.CurrentDomain.AssemblyLoad += (_, loaded) => Note(loaded.LoadedAssembly.GetName().Name ?? "");
    }

    /// <summary>The reading begins.</summary>
    public static void Begin()
    {
        t_asked = [];
    }

    /// <summary>The reading has ended: nothing was looked for, but for what the framework's own code is made of.</summary>
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
