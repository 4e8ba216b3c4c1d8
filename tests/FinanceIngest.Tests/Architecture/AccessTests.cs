using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using FinanceIngest.Http;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Architecture;

/// <summary>A type of <c>src/Shared</c> that no other project uses is internal.</summary>
public sealed partial class AccessTests
{
    [Fact]
    public void A_public_type_is_used_by_a_program_or_seen_through_one_that_is()
    {
        Assembly shared = typeof(Api).Assembly;
        HashSet<string> words = WordsOfPrograms();
        HashSet<Type> reached = [.. shared.ExportedTypes.Where(type => words.Contains(type.Name.Split('`')[0]) || HoldsExtensions(type))];
        Assert.True(reached.Count > 30, "The search finds far fewer uses than there are.");
        var pending = new Queue<Type>(reached);
        while (pending.TryDequeue(out Type? type))
        {
            foreach (Type seen in SeenThrough(type).SelectMany(Parts).Where(seen => seen.Assembly == shared && reached.Add(seen)))
            {
                pending.Enqueue(seen);
            }
        }

        Assert.Empty(shared.ExportedTypes.Where(type => !reached.Contains(type)).Select(type => type.FullName));
    }

    private static IEnumerable<Type> SeenThrough(Type type)
    {
        const BindingFlags visible = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        IEnumerable<MethodBase> methods = type.GetMethods(visible).Concat<MethodBase>(type.GetConstructors(visible))
            .Where(method => method.IsPublic || method.IsFamily);
        return methods.SelectMany(method => method.GetParameters().Select(parameter => parameter.ParameterType))
            .Concat(type.GetMethods(visible).Where(method => method.IsPublic || method.IsFamily).Select(method => method.ReturnType))
            .Concat(type.GetFields(visible).Where(field => field.IsPublic).Select(field => field.FieldType))
            .Concat(type.GetInterfaces())
            .Concat(type.GetNestedTypes())
            .Append(type.BaseType ?? typeof(object));
    }

    private static IEnumerable<Type> Parts(Type type) =>
        type.HasElementType ? Parts(type.GetElementType()!)
        : type.IsGenericType ? type.GenericTypeArguments.SelectMany(Parts).Append(type.GetGenericTypeDefinition())
        : [type];

    // A caller of an extension method does not name its class, so a search for names can't find such a class in use.
    private static bool HoldsExtensions(Type type) => type.IsDefined(typeof(ExtensionAttribute), inherit: false);

    private static HashSet<string> WordsOfPrograms() =>
    [
        .. from program in Directory.GetDirectories(Path.Combine(Repository.Root, "src"))
           where Path.GetFileName(program) != "Shared"
           from path in Directory.EnumerateFiles(program, "*.cs", SearchOption.AllDirectories)
           from line in File.ReadLines(path)
           from word in Word().Matches(Comment().Replace(line, "")).Select(match => match.Value)
           select word,
    ];

    [GeneratedRegex(@"//.*$")]
    private static partial Regex Comment();

    [GeneratedRegex(@"\b[A-Z]\w+\b")]
    private static partial Regex Word();
}
