using FinanceIngest.Tests.Storage;

namespace FinanceIngest.Tests.Support;

/// <summary>No test uses something outside of its process without the trait by which it can be left out.</summary>
public sealed class NeedsTests(AzuriteFixture azurite)
{
    [Fact]
    public async Task A_test_that_does_not_say_so_gets_no_program_no_Azurite_and_no_SQL_Server()
    {
        Assert.Contains("[Needs(Outside.Program)]", Assert.Throws<InvalidOperationException>(() => ProgramProcess.Start("finance-ingest", [], "/")).Message, StringComparison.Ordinal);
        Assert.Contains(
            "[Needs(Outside.Azurite)]", (await Assert.ThrowsAsync<InvalidOperationException>(azurite.ConnectionStringAsync)).Message, StringComparison.Ordinal);
        Assert.Contains(
            "[Needs(Outside.SqlServer)]", (await Assert.ThrowsAsync<InvalidOperationException>(SqlServerInstance.ConnectionStringAsync)).Message, StringComparison.Ordinal);
    }

    [Fact]
    [Needs(Outside.Azurite, Outside.SqlServer)]
    public void A_test_that_says_so_gets_what_it_names_and_no_more()
    {
        NeedsAttribute.Require(Outside.Azurite);
        NeedsAttribute.Require(Outside.SqlServer);
        Assert.Throws<InvalidOperationException>(() => NeedsAttribute.Require(Outside.Program));
    }

    [Fact]
    public void A_file_that_starts_processes_itself_says_so() =>
        Assert.All(
            Directory.EnumerateFiles(Path.Combine(Repository.Root, "tests", "FinanceIngest.Tests"), "*.cs", SearchOption.AllDirectories)
                .Where(path => File.ReadAllText(path) is var text && (text.Contains("ProcessStartInfo(", StringComparison.Ordinal) || text.Contains("Process.Start(", StringComparison.Ordinal))
                    && Path.GetFileName(path) != "NeedsTests.cs"),
            path => Assert.Matches(@"\[Needs\(.*Outside\.|NeedsAttribute\.Require\(Outside\.", File.ReadAllText(path)));
}

/// <summary>A class fixture is made under the traits of its class.</summary>
[Needs(Outside.Program)]
public sealed class NeedsOfAFixtureTests(NeedsOfAFixtureTests.Fixture fixture) : IClassFixture<NeedsOfAFixtureTests.Fixture>
{
    [Fact]
    public void It_gets_what_the_class_names_and_no_more() => Assert.Equal((true, false), (fixture.HasProgram, fixture.HasAzurite));

    public sealed class Fixture : IAsyncLifetime
    {
        public bool HasProgram { get; private set; }

        public bool HasAzurite { get; private set; }

        public ValueTask InitializeAsync()
        {
            HasProgram = Allows(Outside.Program);
            HasAzurite = Allows(Outside.Azurite);
            return ValueTask.CompletedTask;
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        private static bool Allows(Outside outside)
        {
            try
            {
                NeedsAttribute.Require(outside);
                return true;
            }
            catch (InvalidOperationException)
            {
                return false;
            }
        }
    }
}
