using Xunit.v3;

namespace FinanceIngest.Tests.Support;

/// <summary>The services and programs outside its own process that a test may need.</summary>
public enum Outside
{
    /// <summary>A process that the test starts: one of the programs, or a shell.</summary>
    Program,

    /// <summary>Azure's queues, as Azurite emulates them.</summary>
    Azurite,

    /// <summary>A SQL Server.</summary>
    SqlServer,
}

/// <summary>
/// States what a test needs outside its own process, as traits: <c>Category=Integration</c>, and <c>Needs=Program</c>, <c>Needs=Azurite</c> or
/// <c>Needs=SqlServer</c>. Tests without the attribute run alone by <c>dotnet test --filter Category!=Integration</c>. On a collection's definition, the
/// attribute applies to every class of the collection.
/// </summary>
/// <remarks>
/// Nobody can forget the attribute: the code that starts such a program or service calls <see cref="Require"/>, which fails a test without the attribute and
/// says why.
/// </remarks>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
public sealed class NeedsAttribute(params Outside[] outside) : Attribute, ITraitAttribute
{
    private const string Trait = "Needs";

    /// <summary>The services and programs that the test needs.</summary>
    public IReadOnlyList<Outside> Outside { get; } = outside;

    /// <inheritdoc/>
    public IReadOnlyCollection<KeyValuePair<string, string>> GetTraits() =>
        [new("Category", "Integration"), .. Outside.Select(need => KeyValuePair.Create(Trait, need.ToString()))];

    /// <summary>Checks that the running test carries the attribute, or the class or collection whose fixture is being made.</summary>
    /// <exception cref="InvalidOperationException">The attribute is missing, or does not name <paramref name="outside"/>.</exception>
    public static void Require(Outside outside)
    {
        ITestContext context = TestContext.Current;
        IReadOnlyDictionary<string, IReadOnlyCollection<string>>? traits =
            context.Test?.Traits ?? context.TestCase?.Traits ?? context.TestMethod?.Traits ?? context.TestClass?.Traits ?? context.TestCollection?.Traits;
        if (traits is null || !traits.TryGetValue(Trait, out IReadOnlyCollection<string>? needs) || !needs.Contains(outside.ToString()))
        {
            string user = context.Test?.TestDisplayName ?? context.TestClass?.TestClassName ?? context.TestCollection?.TestCollectionDisplayName ?? "A fixture";
            throw new InvalidOperationException(
                $"{user} uses {outside} without saying so: put [Needs({nameof(Outside)}.{outside})] on the test, its class or its collection's definition.");
        }
    }
}
