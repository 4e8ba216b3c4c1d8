using Xunit.v3;

namespace FinanceIngest.Tests.Support;

/// <summary>What some tests need beside their own process.</summary>
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
/// Says what a test needs outside of its own process, as traits: <c>Category=Integration</c>, and <c>Needs=Program</c>, <c>Needs=Azurite</c> or
/// <c>Needs=SqlServer</c>. The tests without it run alone by <c>dotnet test --filter Category!=Integration</c>. On a collection's definition it holds
/// for every class of the collection.
/// </summary>
/// <remarks>
/// It can't be forgotten: whatever starts one of these calls <see cref="Require"/>, so that a test without the attribute fails and is told so.
/// </remarks>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
public sealed class NeedsAttribute(params Outside[] outside) : Attribute, ITraitAttribute
{
    private const string Trait = "Needs";

    /// <summary>What it needs.</summary>
    public IReadOnlyList<Outside> Outside { get; } = outside;

    /// <inheritdoc/>
    public IReadOnlyCollection<KeyValuePair<string, string>> GetTraits() =>
        [new("Category", "Integration"), .. Outside.Select(need => KeyValuePair.Create(Trait, need.ToString()))];

    /// <summary>Passes when the running test, or the class or collection whose fixture is being made, carries the attribute.</summary>
    /// <exception cref="InvalidOperationException">It does not.</exception>
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
