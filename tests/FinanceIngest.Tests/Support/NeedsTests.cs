using FinanceIngest.Tests.Storage;

namespace FinanceIngest.Tests.Support;

/// <summary>Every test that uses something outside its process carries the trait by which it can be excluded.</summary>
public sealed class NeedsTests(AzuriteFixture azurite)
{
    [Fact]
    public async Task A_test_that_does_not_say_so_gets_no_program_no_Azurite_and_no_SQL_Server()
    {
        InvalidOperationException program = Assert.Throws<InvalidOperationException>(() => ProgramProcess.Start("finance-ingest", [], "/"));
        InvalidOperationException queues = await Assert.ThrowsAsync<InvalidOperationException>(azurite.ConnectionStringAsync);
        InvalidOperationException database = await Assert.ThrowsAsync<InvalidOperationException>(SqlServerInstance.ConnectionStringAsync);
        Assert.Contains("[Needs(Outside.Program)]", program.Message, StringComparison.Ordinal);
        Assert.Contains("[Needs(Outside.Azurite)]", queues.Message, StringComparison.Ordinal);
        Assert.Contains("[Needs(Outside.SqlServer)]", database.Message, StringComparison.Ordinal);
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
    public void A_file_that_starts_processes_itself_says_so()
    {
        string[] starters =
        [
            .. Directory.EnumerateFiles(Path.Combine(Repository.Root, "tests", "FinanceIngest.Tests"), "*.cs", SearchOption.AllDirectories)
                .Select(File.ReadAllText)
                .Where(text => text.Contains("new ProcessStartInfo(", StringComparison.Ordinal))
                .Where(text => !text.Contains("class NeedsTests", StringComparison.Ordinal)),
        ];
        Assert.NotEmpty(starters);
        Assert.All(starters, text => Assert.Matches(@"\[Needs\(.*Outside\.|NeedsAttribute\.Require\(Outside\.", text));
    }
}

/// <summary>A class fixture may use what its class's attribute names.</summary>
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
